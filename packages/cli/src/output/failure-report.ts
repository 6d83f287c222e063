import type { Failure, Instance } from "@provost/contract";
import type { Context } from "../context.ts";
import { facts } from "./table.ts";
import { address, cost, elapsed, harmless, quotedLines } from "./words.ts";

const logLinesMax = 20;

/** Why an instance failed and what to do, in the order in which one asks (C7). */
export function failureReport(context: Context, instance: Instance): string {
  const { paint, command } = context;
  const { failure } = instance;
  const after =
    instance.archivedAt === undefined
      ? ""
      : ` after ${elapsed(Date.parse(instance.archivedAt) - Date.parse(instance.createdAt))}`;
  let text = `\n${paint.red("✗")} ${paint.bold(instance.name)} failed${after}${failure === undefined ? "." : `, in step ${failure.step}.`}\n\n`;
  if (failure !== undefined) text += failureFacts(context, failure);
  text += "\n";
  if (instance.providerId !== undefined) {
    const where = address(instance);
    const spent = cost(instance);
    const so = spent === undefined ? "" : `, ${spent} so far`;
    text += `  The server is still there${where === undefined ? "" : ` at ${where}`} (${instance.providerId} at ${instance.provider}), to be looked at. It costs what it costs until it is destroyed${so}.\n\n`;
  }
  return `${text}  ${command} instance show ${instance.id}\n  ${command} instance logs ${instance.id}\n  ${command} instance destroy ${instance.id}\n`;
}

/** What is known of a failure, of an instance's or an image's. */
export function failureFacts({ paint }: Context, failure: Failure): string {
  const { providerMessage, providerRequestId: requestId } = failure;
  const text = facts(
    [
      ["Cause", `${harmless(failure.message)} ${paint.dim(`[${failure.code}]`)}`],
      ["Exit code", failure.exitCode === undefined ? undefined : String(failure.exitCode)],
      [
        "Provider",
        providerMessage === undefined
          ? undefined
          : `"${harmless(providerMessage)}"${requestId === undefined ? "" : ` (request ${harmless(requestId)})`}`,
      ],
      ["What to do", failure.whatToDo],
    ],
    paint,
    "  ",
  );
  if (failure.log === undefined || failure.log === "") return text;
  return `${text}\n  Last log lines from the instance:\n${quotedLines(lastLines(failure.log), paint, "  ")}`;
}

function lastLines(log: string): string {
  return log.trimEnd().split("\n").slice(-logLinesMax).join("\n");
}
