import { defineJob, defineSchedule, type Directive, type JobContext, type JobDefinition } from "@provost/jobs";
import { ProvostError } from "@provost/contract";
import { z } from "zod";
import type { OrphanReaper } from "../orphans/orphan-reaper.ts";
import { FeedReader } from "./feed-reader.ts";
import type { SweepParts, RunEnd } from "./sweep-parts.ts";
import { Looker } from "./looker.ts";
import { PaceKeeper } from "./pace-keeper.ts";
import { Sweeper } from "./sweeper.ts";

/** A queue of its own: neither does a crowd of deploys keep the fleet from being seen, nor a big fleet hold up a deploy (L16). */
export const sweepQueue = "sweeps";

const lineInput = z.object({ account: z.string(), line: z.number().int() });
const accountInput = z.object({ account: z.string() });

/**
 * C10 on the job manager. Accounts come and go while schedules are code: so one tick of each schedule starts what is to be done for
 * every account. The work itself are jobs, one of a kind, account and line at a time, each with its cursor in the store: it is
 * written in the transaction of its page, and found there by the next run. They hold no slot while they wait for their pace (L7).
 */
export class Sweeps {
  readonly jobs: readonly JobDefinition[];
  readonly #parts: SweepParts;
  readonly #sweeper: Sweeper;
  readonly #feed: FeedReader;
  readonly #looker: Looker;

  constructor(parts: SweepParts, reaper: OrphanReaper) {
    const { timings, providers } = parts;
    this.#parts = parts;
    this.#sweeper = new Sweeper(parts, new PaceKeeper(providers.budgets));
    this.#feed = new FeedReader(parts);
    this.#looker = new Looker(parts);
    const sweep = defineJob("sweep.line", {
      input: lineInput,
      queue: sweepQueue,
      run: async (context: JobContext<z.output<typeof lineInput>>) => {
        const { account, line } = context.input;
        return ended(context, await this.#sweeper.run(account, line, context.signal));
      },
    });
    const look = defineJob("sweep.look", {
      input: accountInput,
      queue: sweepQueue,
      run: async (context: JobContext<z.output<typeof accountInput>>) => {
        const { account } = await providers.open(context.input.account);
        return ended(context, await this.#looker.run(account, context.signal));
      },
    });
    const feed = defineJob("sweep.feed", {
      input: accountInput,
      queue: sweepQueue,
      run: async (context: JobContext<z.output<typeof accountInput>>) => {
        const { account: name } = context.input;
        const { account } = await providers.open(name);
        const end = await this.#feed.run(account, context.signal);
        if (end.end === "done" && (await this.#looker.waiting(name))) {
          await context.enqueue(look.with({ account: name }, { unique: `sweep.look:${name}` }));
        }
        return ended(context, end);
      },
    });
    const sweeps = defineSchedule("sweep.begin", {
      every: timings.sweepEveryMs,
      queue: sweepQueue,
      run: async (context) => {
        for (const account of await this.#accounts()) {
          for (const line of await this.#sweeper.begin(account)) {
            await context.enqueue(
              sweep.with({ account: account.name, line }, { unique: `sweep.line:${account.name}:${line}` }),
            );
          }
          for (const request of await reaper.pass(account.name)) await context.enqueue(request);
        }
      },
    });
    const feeds = defineSchedule("sweep.feeds", {
      every: timings.feedEveryMs,
      queue: sweepQueue,
      run: async (context) => {
        for (const { name, capabilities } of await this.#accounts()) {
          if (!capabilities.eventFeed) continue;
          await context.enqueue(feed.with({ account: name }, { unique: `sweep.feed:${name}` }));
        }
      },
    });
    this.jobs = [sweep, look, feed, sweeps, feeds];
  }

  /** Accounts that can be used; of the others the log says why. */
  async #accounts() {
    const { providers, log } = this.#parts;
    const all = await providers.list();
    const opened = await Promise.all(
      all.map(async ({ name }) => {
        try {
          return [(await providers.open(name)).account];
        } catch (error) {
          if (!(error instanceof ProvostError)) throw error;
          log.warn({ provider: name, err: error }, "an account cannot be swept");
          return [];
        }
      }),
    );
    return opened.flat();
  }
}

function ended<T>(context: JobContext<T>, end: RunEnd): Directive | undefined {
  return end.end === "done" ? undefined : context.defer({ after: Math.ceil(end.afterMs) });
}
