/** What a job carries, on every engine alike. */
export interface Payload {
  /** When it was enqueued, by the clock of `nowMs`: its pickup latency is wanted. */
  at?: number;
  /** How long it takes; nothing when missing. */
  ms?: number;
  /** Of the highest priority, in a scenario that looks at when those start. */
  urgent?: boolean;
}

/** A job to enqueue; what is left out is the engine's default. */
export interface NewJob {
  payload: Payload;
  /** Before all others of the queue. */
  first?: boolean;
  delayMs?: number;
}

/** `tree`: the children side by side, then their parent, then one more. `fan-out`: one job, then the children side by side, then one more. */
export type FlowShape = "tree" | "fan-out";

export type Run = (payload: Payload) => Promise<void> | undefined;

export interface WorkOptions {
  /** Jobs at once in this process; the engine's best (or its default, for `defaults`) when left out. */
  concurrency?: number;
  /** A promise only where the job takes time: a no-op shall cost nothing. */
  run: Run;
}

/** One process's way to one engine on one store. What an engine lacks is left out, and scenarios leave the engine out. */
export interface Session {
  /** In one act, by the way that is documented for many; at most 1,000. */
  addMany(jobs: readonly NewJob[]): Promise<void>;
  /** One, as durable as the engine gets when it resolves. */
  add(job: NewJob): Promise<void>;
  /** Begins to run jobs; they go on until `close`. */
  work(options: WorkOptions): Promise<void>;
  /** Jobs that are ready or running; may be an estimate above 0, never 0 too early. */
  unfinished(): Promise<number>;
  /** So many behind gates that stay shut, of the highest priority. */
  addGated?(count: number): Promise<void>;
  /** At most 100 at once. */
  addFlows?(flows: number, children: number, shape: FlowShape): Promise<void>;
  /** Jobs of one such flow: not every engine can have a job before the children. */
  flowJobs?(children: number, shape: FlowShape): number;
  /** Takes one job as a worker would and ends it; ms that the taking took. */
  claimOne?(): Promise<number>;
  /** Lets what runs end, then goes. */
  close(): Promise<void>;
}

/** An engine's adapter exports it as `open`: makes tables where they are missing. */
export type Open = (address: string, options: { defaults: boolean; quiet: boolean }) => Promise<Session>;

/** Runs a batch, side by side. */
export async function runAll(payloads: readonly Payload[], run: Run): Promise<void> {
  const waits = payloads.flatMap((payload) => run(payload) ?? []);
  if (waits.length > 0) await Promise.all(waits);
}

/** CLOCK_MONOTONIC in ms: comparable between the processes of a host. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
