import { auditOutcomes, errorKinds, ProvostError, roles, type AuditEntry, type Listed } from "@provost/contract";
import type { Selectable } from "kysely";
import { z } from "zod";
import type { Log } from "../options.ts";
import { iso } from "../storage/rows.ts";
import type { AuditTable } from "../storage/schema.ts";
import type { Store } from "../storage/store.ts";
import type { AuditDoor, AuditQuery, TokenHolder } from "../surface.ts";
import { runAs, type Act } from "./acting.ts";
import { insertAuditLine } from "./audit-line.ts";

/** Lines that one statement takes away (L14). */
const pruneRows = 2_000;
const idForm = /^[a-z]{2}_[0-9a-z]{10,}$/;

/**
 * Every action, who did it and what came of it (C15). What changes something writes its line itself, in its own
 * transaction (`Write.audit`); this adds what was refused, and what changed nothing.
 */
export class AuditLog implements AuditDoor {
  readonly #store: Store;
  readonly #log: Log;

  constructor(store: Store, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  begin(actor: TokenHolder, asked: { action: string; requestId: string; target?: string | undefined }): Act {
    return { actor, action: asked.action, requestId: asked.requestId, target: asked.target, lines: 0, over: false };
  }

  run<T>(act: Act, run: () => T): T {
    return runAs(act, run);
  }

  /** Never throws: what the log cannot take must not undo what was done, and is told to the server's log. */
  async end(act: Act, refusal?: ProvostError): Promise<void> {
    if (act.over) return;
    act.over = true;
    if (refusal === undefined && act.lines > 0) return;
    const { action, target } = act;
    const named = target === undefined ? {} : idForm.test(target) ? { id: target } : { name: target };
    try {
      await insertAuditLine(this.#store.db, act, {
        at: await this.#store.now(),
        action,
        target: named,
        ...(refusal === undefined
          ? { outcome: "unchanged" }
          : {
              outcome: errorKinds[refusal.code].status < 500 ? "refused" : "failed",
              code: refusal.code,
              detail: refusal.message,
            }),
      });
    } catch (error) {
      const who = { actor: act.actor.name, action, target, requestId: act.requestId, code: refusal?.code };
      this.#log.error({ ...who, err: error }, "an action could not be written to the audit log");
    }
  }

  async list(query: AuditQuery): Promise<Listed<AuditEntry>> {
    let select = this.#store.db
      .selectFrom("control_audit")
      .selectAll()
      .orderBy("seq", "desc")
      .limit(query.limit + 1);
    const { actor, action, target, after } = query;
    if (actor !== undefined) select = select.where(idForm.test(actor) ? "actor_id" : "actor_name", "=", actor);
    if (action !== undefined) select = select.where("action", "=", action);
    if (target !== undefined) select = select.where(idForm.test(target) ? "target_id" : "target_name", "=", target);
    if (after !== undefined) select = select.where("seq", "<", checkedSeq(after));
    const rows = await select.execute();
    const items = rows.slice(0, query.limit).map(entryView);
    const last = items.at(-1);
    return rows.length > query.limit && last !== undefined ? { items, next: String(last.seq) } : { items };
  }

  /** Takes lines away that are older than this; in steps, so that nobody waits for it. */
  async prune(olderThan: number, signal: AbortSignal): Promise<void> {
    const { db } = this.#store;
    for (let removed = pruneRows; removed === pruneRows && !signal.aborted;) {
      const old = db.selectFrom("control_audit").select("seq").where("at", "<", olderThan).limit(pruneRows);
      const result = await db.deleteFrom("control_audit").where("seq", "in", old).executeTakeFirst();
      removed = Number(result.numDeletedRows);
    }
  }
}

const savedState = z.record(z.string(), z.unknown());
const savedOutcome = z.enum(auditOutcomes);

function entryView(row: Selectable<AuditTable>): AuditEntry {
  const role = roles.find((each) => each === row.actor_role);
  return {
    seq: Number(row.seq),
    at: iso(Number(row.at)),
    actor: {
      ...(row.actor_id === null ? {} : { id: row.actor_id }),
      name: row.actor_name,
      ...(role === undefined ? {} : { role }),
    },
    action: row.action,
    target: {
      ...(row.target_id === null ? {} : { id: row.target_id }),
      ...(row.target_name === null ? {} : { name: row.target_name }),
    },
    ...(row.state_before === null ? {} : { before: savedState.parse(JSON.parse(row.state_before)) }),
    ...(row.state_after === null ? {} : { after: savedState.parse(JSON.parse(row.state_after)) }),
    outcome: savedOutcome.parse(row.outcome),
    ...(row.code === null ? {} : { code: row.code }),
    ...(row.detail === null ? {} : { detail: row.detail }),
    ...(row.request_id === null ? {} : { requestId: row.request_id }),
  };
}

function checkedSeq(after: string): number {
  if (/^\d{1,15}$/.test(after)) return Number(after);
  throw new ProvostError("invalid_request", `after is ${JSON.stringify(after)}: give \`next\` of the page before.`, {
    field: "after",
  });
}
