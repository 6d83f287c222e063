/** Every bound of the job manager has its name here (L14); the errors that enforce them name it and say the value. */
export const limits = {
  /** Input or result of one job, as UTF-8 JSON. */
  payloadBytesMax: 1_048_576,
  /** Jobs in one call of `enqueue`, those of its flows included. */
  enqueueJobsMax: 10_000,
  /** Jobs in one flow (L6). */
  flowJobsMax: 10_000,
  /** Levels of parents and children in one flow (L6). */
  flowDepthMax: 32,
  /** Jobs in one claim, settlement, renewal or look-up. */
  batchJobsMax: 1_000,
  /** What a manager claims ahead of its free slots (L16): worth so many ms of work at the pace seen lately, and at most so many jobs of a line. */
  prefetchMs: 50,
  prefetchJobsMax: 2_000,
  /** A claim ahead that has not begun in this time goes back. */
  prefetchKeptMs: 1_000,
  /** Bytes of a name, a queue, a unique key or a wake key. */
  keyBytesMax: 255,
  priorityMax: 255,
  attemptsMax: 1_000,
  /** What a handler reports of how far it is, as UTF-8 JSON. */
  progressBytesMax: 8_192,
  /** Lines kept of one attempt's log, and bytes of a message and of its fields. */
  logLinesMax: 1_000,
  logLineBytesMax: 4_096,
  /** Jobs that one look through the list may pass (L15). */
  browseLooksMax: 10_000,
  /** Names and queues that a manager counts apart in one minute; the others together. */
  minuteRowsMax: 500,
  /** Bytes kept of one failure's message and of its stack. */
  failureBytesMax: 8_192,
  /** How long a wake that met no job is kept for a release still to come (L7). */
  wakeKeptMs: 24 * 60 * 60_000,
  /** The longest delay, `after` or timeout. */
  delayMsMax: 366 * 24 * 60 * 60_000,
  /** A queue's part of the slots (L16). */
  queueWeightMax: 1_000,
  /** Of a queue's, or a key's, concurrency limit. */
  queueConcurrencyMax: 1_000_000,
  /** Of a queue's depth limit. */
  queueDepthMax: 1_000_000_000,
  /** Starts per second of a queue's rate limit: one in about three hours at least. */
  queueRateMin: 0.0001,
  queueRateMax: 1_000_000,
  /** Jobs of full keys that one claim sets aside; the next goes on from there. */
  parkedPerClaimMax: 1_000,
  /** Of what an isolated job prints: bytes of a line, lines told of one attempt, bytes kept with its failure (L9). */
  outputLineBytesMax: 4_096,
  outputLinesMax: 1_000,
  outputTailBytesMax: 4_096,
  /** How long one transaction may keep the embedded store's writer (SQLite) to itself. */
  transactionMsMax: 2_000,
  /** Permits of one semaphore (L12). */
  permitsMax: 10_000,
  /** Who may wait for one semaphore at a time. */
  permitWaitersMax: 1_000,
  /** Semaphores in use at a time in the scope of a manager. */
  managerSemaphoresMax: 1_024,
  /** Keys in the shared memory of a manager. */
  managerKeysMax: 100_000,
  /** Operations on shared memory in one act. */
  memoryOperationsMax: 1_000,
  /** The shortest interval of a schedule (L13). */
  everyMsMin: 100,
  /** Parallel lines of runs of one schedule. */
  scheduleShardsMax: 64,
  /** Unfinished runs of one shard where overlap is allowed. */
  overlapRunsMax: 100,
  /** What a run hands to the next, as UTF-8 JSON: each line of the log has it twice. */
  cursorBytesMax: 8_192,
  /** How late a tick can be fired before it counts as missed: longer than a takeover or a restart. */
  tickGraceMs: 60_000,
  /** Of ticks that nobody fired, the latest so many are logged, for each shard. */
  missedTicksLogged: 100,
  /** A schedule that no manager has had in its code for so long does not tick. */
  scheduleWantedMs: 60_000,
  /** Ticks kept in the log for each shard of a schedule. */
  ticksKept: 1_000,
} as const;

export const defaults = {
  queue: "default",
  lane: "short",
  priority: 100,
  attempts: 30,
  crashes: 3,
  timeoutMs: { short: 60_000, long: 6 * 60 * 60_000 },
  leaseMs: 10_000,
  keptMs: { processed: 24 * 60 * 60_000, failed: 7 * 24 * 60 * 60_000 },
  permitWaitMs: 60_000,
} as const;
