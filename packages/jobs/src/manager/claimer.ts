import { setImmediate as turn } from "node:timers/promises";
import type { Lane } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import type { Claimed, ClaimRequest, Transporter } from "../transporters/transporter.ts";
import type { Attempt, AttemptKind } from "./attempt.ts";
import type { Clock } from "./clock.ts";
import { Desk } from "./desk.ts";
import type { Log } from "./events.ts";
import { Line } from "./line.ts";
import { LineShares } from "./line-shares.ts";
import { Pulse } from "./pulse.ts";
import type { Registry } from "./registry.ts";
import type { Processes } from "../processes/processes.ts";
import type { Runner } from "./runner.ts";

export interface ClaimerOptions {
  transporter: Pick<Transporter, "claim" | "onReady" | "queues">;
  registry: Registry;
  runner: Pick<Runner, "freeSlots" | "kindOf" | "take" | "begin" | "giveBack">;
  processes: Pick<Processes, "free">;
  manager: string;
  leaseMs: number;
  pollMs: number;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** The shortest time after which a line is asked again for what its rate may have brought. */
const rateMsMin = 20;
/** Slots that free up so soon after others are served at once. */
const busyMs = 1;

/**
 * Fills free slots with ready jobs. Woken by the store's hints, by slots that free up, by the promoter and the settler;
 * a slow poll is the net under all of them, because hints may be lost.
 *
 * Where jobs are short it claims ahead of the slots (L16), so that they do not stand empty for a round trip, and the store works
 * while this loop does. One claim at a time, so that jobs come in their order: either for slots that are free and have
 * nothing to begin, or ahead. A hint says that the store may have better jobs than those that wait: then the slots that free up wait
 * for a claim as if there were none, and what it brings begins first (L1, L5). A hint that is there by the time a slot frees up is heard
 * before that is served. What is claimed ahead costs nothing until it begins (L4): it goes back when it has waited for a second, when its
 * queue is changed or its job amended here, and at the stop; behind a blocked loop the lease thread gives it back (L9).
 */
export class Claimer {
  readonly #options: ClaimerOptions;
  readonly #pulse: Pulse;
  readonly #shares: LineShares;
  readonly #lines: readonly Line[];
  readonly #desks: Readonly<Record<Lane, Desk>>;
  readonly #keptMs: number;
  #forgottenAt = -Infinity;
  #sortedOutAt = -Infinity;
  #servedAt = -Infinity;
  #turn = 0;
  #serving: NodeJS.Immediate | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(options: ClaimerOptions) {
    const { transporter, registry, runner, leaseMs, pollMs, clock } = options;
    this.#options = options;
    this.#shares = new LineShares({ queues: transporter.queues, keptMs: 2 * pollMs, clock });
    this.#lines = registry.served.map((served) => new Line(served, clock.now()));
    const keptMs = Math.min(limits.prefetchKeptMs, leaseMs / 4);
    this.#keptMs = keptMs;
    const desk = (lane: Lane): Desk => {
      const lines = this.#lines.filter(({ served }) => served.lane === lane);
      return new Desk(lane, { lines, shares: this.#shares, runner, leaseMs, keptMs });
    };
    this.#desks = { short: desk("short"), long: desk("long") };
    this.#pulse = new Pulse({ ...options, service: "claimer", beat: () => this.#claim() });
  }

  start(): void {
    if (this.#lines.length === 0) return;
    this.#unsubscribe ??= this.#options.transporter.onReady((queues) => {
      const served = queues.filter((queue) => this.#options.registry.queues.has(queue));
      if (served.length > 0) this.hint(served);
    });
    this.#pulse.start();
  }

  /** With the manager the runner gives back what waits; `giveBack`: while it goes on, this does (quiet). */
  async stop({ giveBack = false } = {}): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    clearImmediate(this.#serving);
    this.#serving = undefined;
    await this.#pulse.stop();
    if (!giveBack) return;
    for (const desk of Object.values(this.#desks)) desk.giveBackOld(Infinity);
  }

  /** There may be ready jobs in these queues; in any, when none are named. */
  hint(queues?: readonly string[]): void {
    for (const desk of Object.values(this.#desks)) {
      for (const line of desk.lines) {
        if (queues === undefined || queues.includes(line.served.queue)) line.hint();
      }
    }
    this.#pulse.wake();
  }

  /** The settings of a queue were changed here. */
  configured(queue: string): void {
    this.#shares.changed();
    for (const desk of Object.values(this.#desks)) desk.giveBack(queue);
    this.hint([queue]);
  }

  /**
   * Slots that free up in one turn of the loop are served together, behind the next turn's look at the sockets: this one's may have been
   * before the hint came. Where slots free up every ms they are spared that: it would cost more than the ms that a hint may be late.
   */
  freeSlot(): void {
    if (this.#serving !== undefined) return;
    const serve = (): void => this.#serve();
    const isBusy = this.#options.clock.now() - this.#servedAt < busyMs;
    this.#serving = setImmediate(() => {
      if (isBusy) serve();
      else this.#serving = setImmediate(serve);
    });
  }

  #serve(): void {
    this.#serving = undefined;
    const now = this.#options.clock.now();
    for (const desk of Object.values(this.#desks)) if (!this.#mustAsk(desk, now)) desk.serve(Infinity, now);
    // What has begun may have taken its ms already.
    this.#servedAt = this.#options.clock.now();
    if (this.#hasMore(now)) this.#pulse.wake();
  }

  /** The store may have better ones, or a line's part of the slots has nothing to begin. */
  #mustAsk(desk: Desk, now: number): boolean {
    return desk.lines.some((line) => (line.isStale || line.waiting === 0) && this.#mayServe(line, now));
  }

  /** There are free slots and jobs that wait for one. */
  #mayBegin(): boolean {
    const { runner } = this.#options;
    return Object.values(this.#desks).some((desk) => !desk.isEmpty && runner.freeSlots(desk.lane) > 0);
  }

  #hasMore(now: number): boolean {
    const { runner } = this.#options;
    return Object.values(this.#desks).some(
      (desk) =>
        (runner.freeSlots(desk.lane) > 0 && this.#mustAsk(desk, now)) ||
        desk.lines.some((line) => line.wanted > 0 && this.#mayServe(line, now)),
    );
  }

  async #claim(): Promise<number> {
    const { transporter, runner, manager, clock } = this.#options;
    await this.#shares.refresh();
    // This may be a timer's call, or the answer of the store: hints may be behind it in the same turn.
    if (this.#mayBegin()) await turn();
    const sentAt = clock.now();
    this.#lookAround(sentAt);
    for (const line of this.#lines) line.aim(sentAt, this.#shares.of(line.served.queue));
    this.#turn += 1;
    // One batch for both lanes: the long one has half of it at most (L8).
    const long = this.#round(this.#desks.long, limits.batchJobsMax / 2, sentAt);
    const short = this.#round(this.#desks.short, limits.batchJobsMax - requested(long), sentAt);
    const rounds = [short, long];
    const asked = [...short.asked, ...long.asked];
    if (asked.length === 0) return this.#restMs();
    const claimed = await transporter.claim(
      asked.map(({ request }) => request),
      manager,
    );
    const now = clock.now();
    const started = this.#take(claimed, rounds, sentAt);
    // All are held before the first begins, which may block this loop: the lease thread can give the others back (L9).
    for (const attempt of started) runner.begin(attempt, now);
    // Directed jobs take the places of any line (L5): then what a line got says nothing of it.
    if (!claimed.some(({ directed }) => directed)) for (const each of asked) this.#answered(each, now);
    // Slots that were free when it was sent need not wait for a job that has come since; what has freed up since may have to ask.
    for (const { desk, free } of rounds) desk.serve(free, now);
    if (this.#mayBegin()) this.freeSlot();
    return this.#hasMore(now) ? 0 : this.#restMs();
  }

  /** Hints may be lost: what was dry is asked again with every poll, also when other queues never rest. */
  #lookAround(now: number): void {
    if (now - this.#forgottenAt >= this.#options.pollMs / 2) {
      this.#forgottenAt = now;
      for (const line of this.#lines) line.dryUntil = -Infinity;
    }
    if (now - this.#sortedOutAt >= this.#keptMs / 2) {
      this.#sortedOutAt = now;
      for (const desk of Object.values(this.#desks)) if (!desk.isEmpty) desk.giveBackOld(now);
    }
  }

  /** Returns the attempts that are to begin at once. */
  #take(claimed: readonly Claimed[], rounds: readonly Round[], sentAt: number): Attempt[] {
    const { runner, leaseMs } = this.#options;
    const leaseUntil = sentAt + leaseMs;
    const started: Attempt[] = [];
    let before: Claimed | undefined;
    let place: Place | undefined;
    for (const job of claimed) {
      // Most are of one line.
      if (before?.name !== job.name || before.queue !== job.queue || before.lane !== job.lane)
        place = this.#placeOf(job, rounds);
      before = job;
      if (place === undefined) continue;
      const { round, line, asked, kind } = place;
      const attempt = kind && runner.take(job, { leaseUntil, isMarked: round.started, kind });
      if (asked !== undefined) {
        asked.got += 1;
        asked.last = job;
      }
      if (attempt === undefined) continue;
      if (round.started) started.push(attempt);
      else round.desk.add(attempt, line);
    }
    return started;
  }

  #placeOf(job: Claimed, rounds: readonly Round[]): Place | undefined {
    const round = rounds.find(({ desk }) => desk.lane === job.lane);
    if (round === undefined) return undefined;
    const { process } = this.#options.registry.definitions.get(job.name) ?? {};
    const { lines } = round.desk;
    // A directed job may be of a queue that no line is for (L5): then any line counts its end.
    const line = lines.find(({ served }) => served.queue === job.queue && served.process === process) ?? lines[0];
    if (line === undefined) return undefined;
    const asked = round.asked.find((each) => each.line === line);
    return { round, line, asked, kind: this.#options.runner.kindOf(job.name, line.pace) };
  }

  /** Until the next poll, until a rate may have brought something, or until what waits has waited too long. */
  #restMs(): number {
    const { pollMs, clock } = this.#options;
    const now = clock.now();
    const isEmpty = Object.values(this.#desks).every((desk) => desk.isEmpty);
    let until = now + (isEmpty ? pollMs : Math.min(pollMs, this.#keptMs));
    for (const { dryUntil } of this.#lines) if (dryUntil > now) until = Math.min(until, dryUntil);
    return Math.max(1, until - now);
  }

  /**
   * What to ask for one lane, `most` at most. Its free slots are dealt out to the lines by weight (L16); a line begins what waits there
   * before it asks for more, and asks ahead with the same request, or when no slot asks. Each round takes jobs or finds a
   * line dry, so that rounds come to an end.
   */
  #round(desk: Desk, most: number, now: number): Round {
    const { runner, processes } = this.#options;
    const free = Math.min(runner.freeSlots(desk.lane), most);
    const open = desk.lines.filter((line) => this.#mayServe(line, now));
    // A stale one may hide a directed job, which any line's request brings (L5).
    const isStale = open.some((line) => line.isStale);
    const lines = isStale ? open : desk.lines.filter((line) => line.waiting > 0 || open.includes(line));
    // Another one first each time: where slots cannot be halved, it has the odd one.
    const first = this.#turn % Math.max(1, lines.length);
    const turned = [...lines.slice(first), ...lines.slice(0, first)];
    const places = {
      inline: Infinity,
      thread: processes.free("thread", desk.lane),
      process: processes.free("process", desk.lane),
    };
    const slots = this.#shares.deal(
      turned.map(({ served }) => served),
      turned.map((line) => (open.includes(line) ? places[line.served.process] : line.waiting)),
      free,
    );
    const wants = new Map<Line, number>();
    let left = free;
    for (const [index, line] of turned.entries()) {
      const part = slots[index] ?? 0;
      const begun = isStale ? 0 : desk.serveLine(line, part, now);
      left -= begun;
      if (!open.includes(line)) continue;
      const { process } = line.served;
      // Lines of one kind of process share its places.
      const limit = Math.min(part - begun, places[process]);
      places[process] -= limit;
      if (limit > 0) wants.set(line, limit);
    }
    const begins = wants.size > 0;
    askAhead(begins ? [...wants.keys()] : open, wants, most);
    // What comes with jobs ahead, or behind what waits, waits too: it is put in order with them.
    const started = begins && desk.isEmpty && sum(wants) <= left;
    const asked = [...wants].map(([line, limit]) => ({
      line,
      hints: line.hints,
      got: 0,
      last: undefined,
      request: this.#request(line, limit, started),
    }));
    return { desk, free: left, started, asked };
  }

  #request({ served: { queue, lane, names } }: Line, limit: number, started: boolean): ClaimRequest {
    return { queue, lane, names, limit, leaseMs: this.#options.leaseMs, started };
  }

  #answered({ line, hints, request, got, last }: Asked, now: number): void {
    const isShort = got < request.limit;
    line.answered(hints, isShort ? undefined : last);
    // A hint given while the claim was under way may be of a job that it came too early for.
    if (isShort && line.hints === hints) this.#ranDry(line, got, now);
  }

  #ranDry(line: Line, got: number, now: number): void {
    const { pollMs } = this.#options;
    const { ratePerSecond } = this.#shares.of(line.served.queue);
    this.#shares.ranDry(line.served);
    line.misses = got > 0 ? 0 : line.misses + 1;
    // A rate brings jobs without a hint. An idle queue is asked less and less often.
    const restMs =
      ratePerSecond === null ? pollMs : Math.max(rateMsMin, 1_000 / ratePerSecond) * 2 ** Math.min(line.misses, 20);
    line.dryUntil = now + Math.min(pollMs, restMs);
  }

  #mayServe({ dryUntil, served: { process, lane } }: Line, now: number): boolean {
    return dryUntil <= now && this.#options.processes.free(process, lane) > 0;
  }
}

/** Adds what the lines are to be handed ahead of their slots. */
function askAhead(lines: readonly Line[], wants: Map<Line, number>, most: number): void {
  let left = most - sum(wants);
  for (const line of lines) {
    const ahead = Math.min(line.wanted, left);
    left -= ahead;
    if (ahead > 0) wants.set(line, (wants.get(line) ?? 0) + ahead);
  }
}

function sum(wants: ReadonlyMap<Line, number>): number {
  let total = 0;
  for (const want of wants.values()) total += want;
  return total;
}

interface Asked {
  line: Line;
  /** That it had had when it was asked. */
  hints: number;
  /** What came of it. */
  got: number;
  last: Claimed | undefined;
  request: ClaimRequest;
}

function requested({ asked }: Round): number {
  return asked.reduce((sofar, { request }) => sofar + request.limit, 0);
}

/** What one claim is to bring for a lane. `free`: slots without a job when it was sent. `started`: what comes begins at once. */
interface Round {
  desk: Desk;
  free: number;
  started: boolean;
  asked: Asked[];
}

/** Where a claimed job belongs. */
interface Place {
  round: Round;
  line: Line;
  asked: Asked | undefined;
  /** Undefined: nothing here can run it. */
  kind: AttemptKind | undefined;
}
