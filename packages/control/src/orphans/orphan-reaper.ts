import type { JobRequest } from "@provost/jobs";
import type { SweepParts } from "../sweeps/sweep-parts.ts";
import { fleetDb } from "../sweeps/tables.ts";
import type { OrphanJob } from "./orphan-job.ts";
import { destroyOrphan } from "./orphan-records.ts";

/** Begun in one pass; the next tick goes on. */
const batch = 50;

/**
 * C13 by policy: where an account's is `ours`, what has carried this deployment's tag unknown for longer than the grace, and
 * is there still at the last complete sweep, is destroyed. The brake is asked for all of them first (C12): a store that has
 * lost its instances sees a fleet of orphans.
 */
export class OrphanReaper {
  readonly #parts: SweepParts;
  readonly #job: OrphanJob;

  constructor(parts: SweepParts, job: OrphanJob) {
    this.#parts = parts;
    this.#job = job;
  }

  /** Jobs to be enqueued for one account: those whose orphans are to be destroyed now, and were lost before. */
  async pass(account: string): Promise<JobRequest[]> {
    const { store, brakes, timings, log } = this.#parts;
    const now = await store.now();
    const due = await fleetDb(store)
      .selectFrom("control_orphan")
      .innerJoin("control_provider", "control_provider.name", "control_orphan.account")
      .innerJoin("control_sweep", "control_sweep.account", "control_orphan.account")
      .selectAll("control_orphan")
      .where("control_orphan.account", "=", account)
      .where("orphan_policy", "=", "ours")
      .where("first_seen_at", "<=", now - timings.orphanKeptMs)
      .whereRef("last_sweep", ">=", "control_sweep.complete")
      .where("destroying_at", "is", null)
      .execute();
    const requests = await this.#begun(account);
    const ids = due.map((row) => `orphan:${row.provider_id}`);
    if (ids.length === 0 || !(await brakes.mayAct(account, ids))) return requests;
    for (const row of due.slice(0, batch)) {
      await store.write((write) => destroyOrphan(write, row, now));
      requests.push(this.#job.request(account, row.provider_id));
    }
    log.warn({ provider: account, orphans: due.length }, "orphans are destroyed, as the provider's policy says");
    return requests;
  }

  /** Whatever became of their jobs: one that is there already is kept. */
  async #begun(account: string): Promise<JobRequest[]> {
    const rows = await fleetDb(this.#parts.store)
      .selectFrom("control_orphan")
      .select("provider_id")
      .where("account", "=", account)
      .where("destroying_at", "is not", null)
      .limit(batch)
      .execute();
    return rows.map(({ provider_id: id }) => this.#job.request(account, id));
  }
}
