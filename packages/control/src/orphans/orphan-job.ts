import { defineJob, type Directive, type JobContext, type JobDefinition, type JobRequest } from "@provost/jobs";
import type { Selectable } from "kysely";
import { z } from "zod";
import { background, type SweepParts } from "../sweeps/sweep-parts.ts";
import { fleetDb, endedStatuses, type OrphanTable } from "../sweeps/tables.ts";
import { troubleOf } from "../sweeps/trouble.ts";
import { forgetOrphan, readOrphan } from "./orphan-records.ts";

const input = z.object({ account: z.string(), providerId: z.string() });
type Context = JobContext<z.output<typeof input>>;

/** `attemptsMax` of the job manager, as a destroy of an instance has. */
const attempts = 1_000;

/** Destroys one orphan: repeats until the provider says gone, and looks each time whether it is ours still (C9, C13). */
export class OrphanJob {
  readonly definition: JobDefinition<z.input<typeof input>>;
  readonly #parts: SweepParts;

  constructor(parts: SweepParts, queue: string) {
    this.#parts = parts;
    this.definition = defineJob("orphan.destroy", {
      input,
      queue,
      attempts,
      run: (context: Context) => this.#run(context),
    });
  }

  /** One at a time for each. */
  request(account: string, providerId: string): JobRequest {
    return this.definition.with({ account, providerId }, { unique: `orphan:${account}:${providerId}` });
  }

  async #run(context: Context): Promise<Directive | undefined> {
    const { providers, store, timings, log, deployment } = this.#parts;
    const { account: name, providerId } = context.input;
    const row = await readOrphan(store, name, providerId);
    if (row === undefined || row.destroying_at === null) return undefined;
    const { account } = await providers.open(name);
    const terms = { ...background, region: row.region };
    try {
      const seen = await account.call((provider, call) => provider.get(providerId, call), context.signal, terms);
      if (seen === undefined) {
        await forgetOrphan(store, name, providerId);
        log.warn({ provider: name, providerId, name: row.name }, "an orphan is destroyed");
        return undefined;
      }
      // Adopted or released since, or another's that has its id now: left alone.
      const { owner } = seen;
      if (owner?.deployment !== deployment() || owner.instance !== row.instance_id || (await this.#isKnown(row))) {
        await forgetOrphan(store, name, providerId);
        return undefined;
      }
      if (seen.status !== "destroying") {
        await account.call((provider, call) => provider.destroy(providerId, call), context.signal, terms);
      }
    } catch (error) {
      const { afterMs } = troubleOf(error, timings.unreachableRetryMs);
      if (afterMs !== undefined) return context.defer({ after: Math.ceil(afterMs) });
      log.error({ provider: name, providerId, err: error }, "an orphan could not be destroyed");
      await this.#givenUp(row);
      return undefined;
    }
    const growing = timings.firstLookMs * 1.5 ** Math.min(context.attempt, 40);
    return context.release({ after: Math.ceil(Math.min(growing, timings.lookEveryMs)) });
  }

  async #isKnown({ account, provider_id: id }: Selectable<OrphanTable>): Promise<boolean> {
    const row = await fleetDb(this.#parts.store)
      .selectFrom("control_instance")
      .select("id")
      .where("provider", "=", account)
      .where("provider_id", "=", id)
      .where("status", "not in", endedStatuses)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Refused for good: it is shown as it was, to be asked for again. */
  async #givenUp({ account, provider_id: id }: Selectable<OrphanTable>): Promise<void> {
    await fleetDb(this.#parts.store)
      .updateTable("control_orphan")
      .set({ destroying_at: null })
      .where("account", "=", account)
      .where("provider_id", "=", id)
      .execute();
  }
}
