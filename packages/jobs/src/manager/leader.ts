import type { Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import { Pulse } from "./pulse.ts";

export interface LeaderOptions {
  transporter: Pick<Transporter, "leader">;
  manager: string;
  /** How long a leader that has died keeps the seat. */
  leaseMs: number;
  clock: Clock;
  random: () => number;
  log: Log;
  onElected: () => void;
}

/** One seat for everything that one manager of many does. */
const seat = "maintenance";

/**
 * Campaigns for the leader's seat (L13): the one of many managers that fires schedules, promotes, rescues and prunes. Keeps it three times a lease, takes it over as soon as the lease of one that died
 * is out, gives it up at stop. What a leader does is safe if two believe they lead: leading saves work and nothing else.
 */
export class Leader {
  readonly #options: LeaderOptions;
  readonly #pulse: Pulse;
  /** By the manager's clock, counted from before the call: never later than the store's. */
  #leadsUntil = -Infinity;
  #elected = false;
  #fence = 0;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#pulse = new Pulse({ ...options, service: "leader", beat: () => this.#campaign() });
  }

  get leads(): boolean {
    return this.#options.clock.now() < this.#leadsUntil;
  }

  start(): void {
    this.#pulse.start();
  }

  async stop(): Promise<void> {
    const { transporter, manager } = this.#options;
    await this.#pulse.stop();
    if (!this.#elected) return;
    this.#depose();
    // The lease runs out by itself where the store is away.
    await transporter.leader.resign(seat, manager).catch(() => undefined);
  }

  async #campaign(): Promise<number> {
    const { transporter, manager, leaseMs, clock, log, onElected } = this.#options;
    // One that was cut off for so long that its lease ran out is elected anew: its clockwork has stopped meanwhile.
    if (!this.leads) this.#depose();
    const sentAt = clock.now();
    const campaign = await transporter.leader.campaign(seat, manager, leaseMs);
    if (!campaign.leading) {
      this.#depose();
      return Math.min(leaseMs, campaign.retryInMs + 1);
    }
    this.#leadsUntil = sentAt + leaseMs;
    this.#fence = campaign.fence;
    if (!this.#elected) {
      this.#elected = true;
      log({ event: "leader.elected", manager, fence: campaign.fence });
      onElected();
    }
    return leaseMs / 3;
  }

  #depose(): void {
    this.#leadsUntil = -Infinity;
    if (!this.#elected) return;
    this.#elected = false;
    this.#options.log({ event: "leader.deposed", manager: this.#options.manager, fence: this.#fence });
  }
}
