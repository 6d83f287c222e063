import type { Transporter } from "@provost/jobs";

/** What a `Control` is made of; everything is handed in, nothing is read from the environment. */
export interface ControlOptions {
  /** Started already, with `capabilities.sql`: instance rows and their jobs share its transactions (L11). */
  transporter: Transporter;
  /** 32 bytes: seals credentials, scripts and root passwords, and derives callback tokens (C6, C15). */
  secretKey: Uint8Array;
  callback: CallbackAddress;
  /** Addresses and networks that webhooks may reach though they are private, and without TLS (C15): none by default. */
  webhooksTo?: readonly string[];
  timings?: Partial<Timings>;
  /** Of the server, as people are shown it. */
  version?: string;
  log: Log;
}

/** Where instances report to (C6). */
export interface CallbackAddress {
  /** Base address of this server as instances reach it; a provider may bring its own. The path `/v1/callbacks/<id>` is added. */
  defaultUrl?: string;
  /** Plain HTTP is taken at all; even then only to private and loopback addresses. */
  allowHttp: boolean;
  /** The server's check that `url` reaches this very deployment: throws `ProvostError` `callback_unreachable`. */
  check(url: string): Promise<void>;
}

/** The part of pino that is used here. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Every wait and limit in time, in ms (C7). */
export interface Timings {
  /** A provision not finished this long after the provider accepted it has failed. */
  provisionMaxMs: number;
  /** A bake whose image is not made this long after its builder was accepted has failed (C2). */
  bakeMaxMs: number;
  /** Between two looks at an instance that has not called; the longest pause of `await-active` too. */
  lookEveryMs: number;
  /** Looks in one step, whichever comes first. */
  looksMax: number;
  /** First pause of `await-active` and of `destroy`; it grows from there. */
  firstLookMs: number;
  /** How long a create's outcome may stay unknown (C4). */
  createUnknownMaxMs: number;
  /** Overrides the driver's `createQuietMs`: tests only. */
  createQuietMs?: number;
  /** How long "no such instance" is taken for the provider's lag after a create. */
  vanishGraceMs: number;
  /** How often the watchdog looks at the rows. */
  watchdogEveryMs: number;
  /** How often an account's sweep is begun where the last one is over; the shortest that a whole one takes (C10). */
  sweepEveryMs: number;
  /** How often an account's feed of changes is read (C10). */
  feedEveryMs: number;
  /** How long an orphan is left alone before a policy may destroy it (C13). */
  orphanKeptMs: number;
  /** A failed server is to be decided on within this; then its user is told again (C8). */
  tombstoneKeptMs: number;
  /** How long a deploy whose flow has ended without a word is left to its `onFailed` job. */
  orphanGraceMs: number;
  /** A boot, reboot, shutdown or power-off not finished this long after the provider's first answer has failed. */
  signalMaxMs: number;
  /** The same for a resize, which may copy disks; putting one back has as long again. */
  resizeMaxMs: number;
  /** The same for a snapshot or a restore. */
  backupMaxMs: number;
  /** How long a task waits for its instance to be free. */
  taskWaitMaxMs: number;
  /** An accepted change that shows nothing is asked for again after this, some times. */
  callAgainMs: number;
  /** A callback token outlives the provision's limit by this, so that late replays are answered (C6). */
  callbackTokenMarginMs: number;
  /** Age at which a catalog is asked for again. */
  catalogFreshMs: number;
  /** Pause after a provider that could not be reached and gave no time of its own. */
  unreachableRetryMs: number;
  /** A killed server's jobs stay with it this long (L9). */
  jobLeaseMs: number;
  /** Idempotency keys are forgotten after this. */
  idempotencyKeptMs: number;
  /** Lines of the audit log are forgotten after this. */
  auditKeptMs: number;
  /** One attempt to deliver to a webhook, from the first byte to the last. */
  webhookTimeoutMs: number;
  /** Pauses after the first attempt, the second, …; after the attempt behind the last one a delivery is given up. */
  webhookRetriesMs: readonly number[];
  /** Deliveries are forgotten after this. */
  deliveriesKeptMs: number;
}

export const defaultTimings: Timings = {
  provisionMaxMs: 15 * 60_000,
  bakeMaxMs: 60 * 60_000,
  lookEveryMs: 30_000,
  looksMax: 40,
  firstLookMs: 300,
  createUnknownMaxMs: 20 * 60_000,
  vanishGraceMs: 60_000,
  watchdogEveryMs: 30_000,
  orphanGraceMs: 60_000,
  signalMaxMs: 15 * 60_000,
  resizeMaxMs: 60 * 60_000,
  backupMaxMs: 2 * 60 * 60_000,
  taskWaitMaxMs: 60 * 60_000,
  callAgainMs: 10_000,
  sweepEveryMs: 5_000,
  feedEveryMs: 5_000,
  orphanKeptMs: 24 * 60 * 60_000,
  tombstoneKeptMs: 7 * 24 * 60 * 60_000,
  callbackTokenMarginMs: 60 * 60_000,
  catalogFreshMs: 5 * 60_000,
  unreachableRetryMs: 5_000,
  jobLeaseMs: 10_000,
  idempotencyKeptMs: 7 * 24 * 60 * 60_000,
  auditKeptMs: 365 * 24 * 60 * 60_000,
  webhookTimeoutMs: 10_000,
  // 5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h, 24 h: a receiver that is away for a day misses nothing.
  webhookRetriesMs: [5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 86_400].map((seconds) => seconds * 1_000),
  deliveriesKeptMs: 30 * 24 * 60 * 60_000,
};
