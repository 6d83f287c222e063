import type { AuditOutcome } from "@provost/contract";
import type { Kysely } from "kysely";
import type { Database } from "../storage/schema.ts";
import type { Act } from "./acting.ts";

/** What a line of the audit log says besides who and in which request. */
export interface AuditLine {
  at: number;
  action: string;
  target: { id?: string | undefined; name?: string | undefined };
  /** What the action changes, before and after it; secrets are masked here. */
  before?: object;
  after?: object;
  outcome?: AuditOutcome;
  code?: string;
  detail?: string;
}

/** Bounds of a line (L14). */
const textMax = 500;
const stateBytesMax = 8_192;
/** Who acts when nobody has asked: this server. */
const ourselves = "provost";
const secretName = /token|secret|password|passwd|credential|authorization|api_?key|private_?key|user_?data|^script$/i;
const masked = "[secret]";

/** Adds the line; it stands or falls with the transaction of `db`. Lines are only ever added, and pruned by age. */
export async function insertAuditLine(db: Kysely<Database>, act: Act | undefined, line: AuditLine): Promise<void> {
  await db
    .insertInto("control_audit")
    .values({
      at: line.at,
      actor_id: act?.actor.id ?? null,
      actor_name: act?.actor.name ?? ourselves,
      actor_role: act?.actor.role ?? null,
      action: line.action,
      target_id: line.target.id ?? null,
      target_name: keptText(line.target.name),
      state_before: stateText(line.before),
      state_after: stateText(line.after),
      outcome: line.outcome ?? "done",
      code: line.code ?? null,
      detail: keptText(line.detail),
      request_id: act?.requestId ?? null,
    })
    .execute();
}

/** What a caller sent may hold anything; NUL is the one character that PostgreSQL does not take. */
function keptText(text: string | undefined): string | null {
  return text === undefined ? null : text.slice(0, textMax).replaceAll("\0", "\uFFFD");
}

function stateText(state: object | undefined): string | null {
  if (state === undefined) return null;
  const text = JSON.stringify(withoutSecrets(state));
  return text.length <= stateBytesMax ? text : JSON.stringify({ tooLong: `${text.length} characters` });
}

/** A copy with every value masked whose name says that it is a secret; what is absent stays absent. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]: [string, unknown]) => [
      name,
      each !== undefined && each !== null && secretName.test(name) ? masked : withoutSecrets(each),
    ]),
  );
}
