import {
  createdTokenSchema,
  exitCodes,
  pageSchema,
  ProvostError,
  roles,
  tokenSchema,
  type TokenRequest,
  type TokenView,
} from "@provost/contract";
import type { Command } from "commander";
import { argument, limitOption, type Act } from "../action.ts";
import type { Context } from "../context.ts";
import { examples } from "../help.ts";
import { table } from "../output/table.ts";
import { age } from "../output/words.ts";
import { readLimit } from "./instance.ts";

const tokenPage = pageSchema(tokenSchema);

/** Adds `provost token …`. */
export function addTokenCommands(program: Command, act: Act, called: string): void {
  const token = program.command("token").description("make, list and revoke access tokens");
  token
    .command("create")
    .description("make a token and print it, this once")
    .argument("<name>", "what to call it")
    .requiredOption("--role <role>", "viewer reads; operator deploys and destroys too; admin manages")
    .option("--expires <duration>", "end it after this, like 12h or 90d (never)")
    .addHelpText("after", examples(called, ["token create ci-1 --role operator --expires 90d"]))
    .action(act((context, command) => createToken(context, argument(command), command.opts())));
  token
    .command("list")
    .description("tokens, newest first, with their last use")
    .option(...limitOption)
    .action(act((context, command) => listTokens(context, command.opts())));
  token
    .command("revoke")
    .description("end a token at once")
    .argument("<token>", "name, or id")
    .action(act((context, command) => revokeToken(context, argument(command))));
}

/** The token alone goes to standard output, so that a script can take it. */
async function createToken(
  context: Context,
  name: string,
  options: { role: string; expires?: string },
): Promise<number> {
  const request: TokenRequest = {
    name,
    role: readRole(options.role),
    ...(options.expires === undefined ? {} : { expiresIn: options.expires }),
  };
  const made = await context.api().post("/v1/tokens", request, createdTokenSchema);
  if (context.json) {
    context.printJson(made);
    return exitCodes.done;
  }
  context.out(`${made.token}\n`);
  const ends = made.expiresAt === undefined ? "until it is revoked" : `until ${made.expiresAt}`;
  context.terminal.err(
    `Token ${made.name} (${made.role}) holds ${ends}. It is shown this once: keep it somewhere safe.\n`,
  );
  return exitCodes.done;
}

async function listTokens(context: Context, options: { limit: string }): Promise<number> {
  const page = await context.api().get(`/v1/tokens?limit=${readLimit(options.limit)}`, tokenPage);
  if (context.json) {
    context.printJson(page);
    return exitCodes.done;
  }
  const { paint } = context;
  const now = Date.now();
  const rows = page.items.map((each) => [
    each.status === "active" ? paint.bold(each.name) : paint.dim(each.name),
    each.role,
    paintedStatus(context, each),
    each.expiresAt,
    each.lastUsedAt === undefined ? "never" : `${age(each.lastUsedAt, now)} ago`,
    age(each.createdAt, now),
    each.id,
  ]);
  context.out(table(["Name", "Role", "Status", "Expires", "Last used", "Age", "Id"], rows, paint));
  if (page.next !== undefined) context.out("There are more: --limit shows up to 500.\n");
  return exitCodes.done;
}

async function revokeToken(context: Context, ref: string): Promise<number> {
  const token = await context.api().delete(`/v1/tokens/${encodeURIComponent(ref)}`, tokenSchema);
  if (context.json) context.printJson(token);
  else context.out(`${context.paint.green("✓")} Token ${context.paint.bold(token.name)} opens nothing any more.\n`);
  return exitCodes.done;
}

function paintedStatus({ paint }: Context, { status }: TokenView): string {
  return status === "active" ? paint.green(status) : paint.red(status);
}

function readRole(text: string): TokenRequest["role"] {
  const role = roles.find((each) => each === text);
  if (role !== undefined) return role;
  throw new ProvostError("invalid_request", `--role is ${JSON.stringify(text)}: give ${roles.join(", ")}.`, {
    field: "--role",
  });
}
