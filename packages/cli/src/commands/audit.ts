import { auditEntrySchema, exitCodes, pageSchema, type AuditEntry } from "@provost/contract";
import type { Command } from "commander";
import { limitOption, type Act } from "../action.ts";
import type { Context } from "../context.ts";
import { examples } from "../help.ts";
import { table } from "../output/table.ts";
import { harmless } from "../output/words.ts";
import { readLimit } from "./instance.ts";

const auditPage = pageSchema(auditEntrySchema);

interface AuditOptions {
  actor?: string;
  action?: string;
  target?: string;
  after?: string;
  limit: string;
}

/** Adds `provost audit`. */
export function addAuditCommand(program: Command, act: Act, called: string): void {
  program
    .command("audit")
    .description("who did what, and what came of it, newest first")
    .option("--actor <token>", "name or id of a token")
    .option("--action <action>", "like instance.destroy")
    .option("--target <thing>", "name or id of an instance, provider, token or webhook")
    .option("--after <page>", "go on where a page ended")
    .option(...limitOption)
    .addHelpText(
      "after",
      examples(called, ["audit", "audit --actor ci-1 --action instance.destroy", "audit --target web-1 --json"]),
    )
    .action(act((context, command) => showAudit(context, command.opts())));
}

/** With `--json` each line's state before and after as well. */
async function showAudit(context: Context, options: AuditOptions): Promise<number> {
  const query = new URLSearchParams({ limit: readLimit(options.limit) });
  for (const name of ["actor", "action", "target", "after"] as const) {
    const value = options[name];
    if (value !== undefined) query.set(name, value);
  }
  const page = await context.api().get(`/v1/audit?${query.toString()}`, auditPage);
  if (context.json) {
    context.printJson(page);
    return exitCodes.done;
  }
  if (page.items.length === 0) context.out("Nothing of that kind was done.\n");
  else
    context.out(
      table(["When", "Who", "Action", "On", "Outcome", "Request"], page.items.map(row(context)), context.paint),
    );
  if (page.next !== undefined) context.out(`There are more: --after ${page.next} goes on.\n`);
  return exitCodes.done;
}

function row({ paint }: Context): (entry: AuditEntry) => (string | undefined)[] {
  return ({ at, actor, action, target, outcome, code, requestId }) => [
    paint.dim(at.slice(0, 19).replace("T", " ")),
    `${actor.name}${actor.role === undefined ? "" : paint.dim(` ${actor.role}`)}`,
    action,
    harmless(target.name ?? target.id ?? "-"),
    outcome === "done"
      ? paint.green(outcome)
      : outcome === "unchanged"
        ? outcome
        : paint.red(`${outcome} (${code ?? "?"})`),
    requestId,
  ];
}
