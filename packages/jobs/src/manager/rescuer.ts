import { jobFailure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { defaultRules, type AttemptEnd } from "../core/outcome.ts";
import type { JobDefinition } from "../core/request.ts";
import type { ExpiredClaim, Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import type { Leader } from "./leader.ts";
import { Pulse } from "./pulse.ts";
import type { Runner } from "./runner.ts";
import type { Settler } from "./settler.ts";

export interface RescuerOptions {
  transporter: Pick<Transporter, "expired">;
  settler: Pick<Settler, "settle">;
  runner: Pick<Runner, "holds">;
  definitions: ReadonlyMap<string, JobDefinition>;
  leader: Pick<Leader, "leads">;
  everyMs: number;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** A follower looks this much less often than the leader. */
const followerRounds = 4;

/**
 * Ends attempts whose lease has run out (L9): an attempt less when they had started, nothing when not (L4). It also knows
 * what to do with jobs it has no definition of, by the default rules.
 *
 * The leader looks, and followers now and then: a leader leaves its own claims alone, and those are theirs to rescue.
 */
export class Rescuer {
  readonly #options: RescuerOptions;
  readonly #pulse: Pulse;

  constructor(options: RescuerOptions) {
    this.#options = options;
    this.#pulse = new Pulse({ ...options, service: "rescuer", beat: () => this.#rescue() });
  }

  start(): void {
    this.#pulse.start();
  }

  async stop(): Promise<void> {
    await this.#pulse.stop();
  }

  /** This manager leads now: nobody may have looked for as long as the last leader's seat was held. */
  wake(): void {
    this.#pulse.wake();
  }

  async #rescue(): Promise<number> {
    const { transporter, runner, leader, everyMs, random, log } = this.#options;
    const expired = await transporter.expired(limits.batchJobsMax);
    // Our own, still running: this event loop was blocked. The lease keeper decides; a rescue would run it twice.
    const foreign = expired.filter(({ id, fence }) => !runner.holds(id, fence));
    if (foreign.length > 0) {
      log({ event: "rescue.found", expired: foreign.length });
      await Promise.all(foreign.map((claim) => this.#settle(claim)));
    }
    if (foreign.length > 0 && expired.length >= limits.batchJobsMax) return 0;
    // Jitter downwards: managers started together do not look together, and none looks late.
    return Math.ceil((leader.leads ? everyMs : followerRounds * everyMs) * (1 - random() / 4));
  }

  async #settle(claim: ExpiredClaim): Promise<void> {
    const { settler, definitions } = this.#options;
    await settler.settle({
      job: claim,
      end: endOf(claim),
      rules: definitions.get(claim.name)?.rules ?? defaultRules,
      expiredOnly: true,
      // The next round finds it again.
      keptMs: 0,
    });
  }
}

function endOf(claim: ExpiredClaim): AttemptEnd {
  if (!claim.started) return { kind: "deferred", delayMs: 0 };
  return {
    kind: "lost",
    failure: jobFailure(
      "lease_lost",
      `manager ${claim.claimedBy} did not renew the lease: it died, or was cut off from the store`,
    ),
  };
}
