import type { NewJob } from "../../transporter.ts";
import type { JobRow } from "../rows.ts";
import type { Session } from "../session.ts";
import { releaseLimits } from "./queue.ts";

/** What has never been started, and is in no flow: others' gates do not depend on it. */
const unstartedSql = `SELECT id, queue, lane, status, limit_key FROM jobs_job
  WHERE id = ? AND status IN ('queued', 'delayed') AND attempts_used = 0 AND flow_id IS NULL`;
/** A statement of its own: the counters of the lines follow it (`unique-schema.ts`). */
const moveSql = "UPDATE jobs_job SET queue = ?, lane = ? WHERE id = ?";
const replaceSql = `UPDATE jobs_job SET name = ?, status = ?, base_priority = ?3, priority = ?3, attempts = ?, timeout_ms = ?,
  delay_ms = ?, wake_key = ?, limit_key = ?, ready_at = ?, directed = NULL, woken = 0, version = version + 1 WHERE id = ?`;
const inputSql = "UPDATE jobs_input SET input = ? WHERE id = ?";
const keptSql = "UPDATE jobs_unique SET kept_ms = ? WHERE key = ?";

type Unstarted = Pick<JobRow, "id" | "queue" | "lane" | "status" | "limit_key">;

/** L17: the job that holds the key becomes the new one, under its id; a hold by hand stays. False when it has been started. */
export function replaceJob(session: Session, holder: number, job: NewJob): boolean {
  const old = session.get<Unstarted>(unstartedSql, holder);
  if (old === undefined) return false;
  const { name, queue, lane, priority, attempts, timeoutMs, delayMs, wakeKey, limitKey, uniqueKey, uniqueKeptMs } = job;
  const status = delayMs > 0 ? "delayed" : "queued";
  if (queue !== old.queue || lane !== old.lane) session.run(moveSql, queue, lane, holder);
  session.run(
    replaceSql,
    name,
    status,
    priority,
    attempts,
    timeoutMs,
    delayMs,
    wakeKey ?? null,
    limitKey ?? null,
    session.now + delayMs,
    holder,
  );
  session.run(inputSql, job.input, holder);
  session.run(keptSql, uniqueKeptMs ?? null, uniqueKey ?? "");
  // It may have been the one that a free key was waiting for (L14).
  if (old.status === "queued" && old.limit_key !== null) releaseLimits(session, old);
  if (status === "queued") session.ready.add(queue);
  return true;
}
