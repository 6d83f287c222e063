import { queueDefaults, type QueueSettings, tokensAfter } from "../../../core/queue.ts";
import type { ConfiguredQueue } from "../../queues.ts";
import type { Session } from "../session.ts";

/** A row of `jobs_queue`. */
export interface QueueRow {
  queue: string;
  paused: number;
  weight: number;
  concurrency: number | null;
  key_concurrency: number | null;
  rate_per_second: number | null;
  rate_burst: number | null;
  aging_ms: number | null;
  depth_max: number | null;
  tokens: number;
  tokens_at: number;
}

const columns = `queue, paused, weight, concurrency, key_concurrency, rate_per_second, rate_burst, aging_ms, depth_max, tokens, tokens_at`;
const rowSql = `SELECT ${columns} FROM jobs_queue WHERE queue = ?`;
const rowsSql = `SELECT ${columns} FROM jobs_queue ORDER BY queue`;
const putSql = `INSERT INTO jobs_queue (${columns}, unparking) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (queue) DO UPDATE SET paused = excluded.paused, weight = excluded.weight, concurrency = excluded.concurrency,
    key_concurrency = excluded.key_concurrency, rate_per_second = excluded.rate_per_second, rate_burst = excluded.rate_burst,
    aging_ms = excluded.aging_ms, depth_max = excluded.depth_max, tokens = excluded.tokens, tokens_at = excluded.tokens_at,
    unparking = max(unparking, excluded.unparking)`;
/** What runs already counts: as few jobs as there are slots. */
const limitRunningSql = "UPDATE jobs_job SET limited = 1 WHERE status = 'in_progress' AND queue = ? AND limited = 0";
const runningSql =
  "SELECT count(*) AS n FROM jobs_job INDEXED BY jobs_job_limited WHERE status = 'in_progress' AND limited = 1 AND queue = ?";
const runningOfKeySql = `${runningSql} AND limit_key = ?`;
const nextNameSql = `SELECT name FROM jobs_job INDEXED BY jobs_job_parked WHERE status = 'queued' AND parked = version AND queue = ? AND limit_key = ?
  AND name > ? ORDER BY name LIMIT 1`;
const unparkNameSql = `UPDATE jobs_job SET parked = -1 WHERE id IN (
  SELECT id FROM jobs_job INDEXED BY jobs_job_parked WHERE status = 'queued' AND parked = version AND queue = ? AND limit_key = ? AND name = ?
  ORDER BY priority DESC, attempts_used, id LIMIT ?)`;
const unparkingSql = "SELECT queue FROM jobs_queue INDEXED BY jobs_queue_unparking WHERE unparking = 1 LIMIT 1";
const unparkQueueSql = `UPDATE jobs_job SET parked = -1 WHERE id IN (
  SELECT id FROM jobs_job INDEXED BY jobs_job_parked WHERE status = 'queued' AND parked = version AND queue = ? LIMIT ?)`;
const unparkedSql = "UPDATE jobs_queue SET unparking = 0 WHERE queue = ?";

/** Undefined for a queue without settings: nearly all. */
export function queueRow(session: Session, queue: string): QueueRow | undefined {
  return session.get<QueueRow>(rowSql, queue);
}

export function queues(session: Session): ConfiguredQueue[] {
  return session.all<QueueRow>(rowsSql).map((row) => {
    const tokens = row.rate_per_second === null ? {} : { tokens: tokensOf(session, row, row.rate_per_second) };
    return { queue: row.queue, ...settingsOf(row), ...tokens };
  });
}

/** What the rate of the queue lets start now. */
export function tokensOf(session: Session, row: QueueRow, perSecond: number): number {
  return tokensAfter(row.tokens, session.now - row.tokens_at, perSecond, row.rate_burst);
}

/** There is one writer: a claim comes before the change or behind it. */
export function configure(session: Session, queue: string, change: Partial<QueueSettings>): QueueSettings {
  const before = queueRow(session, queue);
  const settings = { ...(before === undefined ? queueDefaults : settingsOf(before)), ...change };
  const { ratePerSecond, rateBurst } = settings;
  const tokens =
    ratePerSecond === null || before?.rate_per_second == null
      ? Infinity
      : tokensOf(session, before, before.rate_per_second);
  session.run(
    putSql,
    queue,
    settings.paused ? 1 : 0,
    settings.weight,
    settings.concurrency,
    settings.keyConcurrency,
    ratePerSecond,
    rateBurst,
    settings.agingMs,
    settings.depthMax,
    ratePerSecond === null ? 0 : tokensAfter(tokens, 0, ratePerSecond, rateBurst),
    session.now,
    before?.key_concurrency != null && before.key_concurrency !== settings.keyConcurrency ? 1 : 0,
  );
  if (settings.concurrency !== null || settings.keyConcurrency !== null) session.run(limitRunningSql, queue);
  session.ready.add(queue);
  return settings;
}

/** Jobs of the queue that may still be started; Infinity without a limit. */
export function queueAllowance(session: Session, row: QueueRow): number {
  if (row.concurrency === null) return Infinity;
  return row.concurrency - (session.get<{ n: number }>(runningSql, row.queue)?.n ?? 0);
}

/** True when another job of this key may run. */
export function keyFits(session: Session, row: QueueRow, key: string | null): boolean {
  if (row.key_concurrency === null || key === null) return true;
  return keyRunning(session, row.queue, key) < row.key_concurrency;
}

function keyRunning(session: Session, queue: string, key: string): number {
  return session.get<{ n: number }>(runningOfKeySql, queue, key)?.n ?? 0;
}

/** A job of a queue with limits runs no more: the best that waits for its key comes back in line, of each name, since not every manager runs every name. */
export function releaseLimits(session: Session, job: { queue: string; limit_key: string | null }): void {
  session.ready.add(job.queue);
  if (job.limit_key === null) return;
  const limit = queueRow(session, job.queue)?.key_concurrency ?? null;
  if (limit === null) return;
  const free = limit - keyRunning(session, job.queue, job.limit_key);
  if (free <= 0) return;
  let next = session.get<{ name: string }>(nextNameSql, job.queue, job.limit_key, "");
  while (next !== undefined) {
    session.run(unparkNameSql, job.queue, job.limit_key, next.name, free);
    next = session.get<{ name: string }>(nextNameSql, job.queue, job.limit_key, next.name);
  }
}

/** True when a change of a key's limit has left jobs to bring back in line. */
export function hasUnparking(session: Session): boolean {
  return session.get(unparkingSql) !== undefined;
}

/** Brings parked jobs back in line, at most `limit` at once: a changed limit may hold a million of them (L14). Returns their number. */
export function unparkSome(session: Session, limit: number): number {
  const row = session.get<{ queue: string }>(unparkingSql);
  if (row === undefined) return 0;
  const unparked = session.run(unparkQueueSql, row.queue, limit);
  if (unparked < limit) session.run(unparkedSql, row.queue);
  if (unparked > 0) session.ready.add(row.queue);
  return unparked;
}

function settingsOf(row: QueueRow): QueueSettings {
  return {
    paused: row.paused === 1,
    weight: row.weight,
    concurrency: row.concurrency,
    keyConcurrency: row.key_concurrency,
    ratePerSecond: row.rate_per_second,
    rateBurst: row.rate_burst,
    agingMs: row.aging_ms,
    depthMax: row.depth_max,
  };
}
