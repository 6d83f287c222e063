import type { Request } from "../protocol.ts";
import type { Session } from "../session.ts";
import { amend } from "./amend.ts";
import { claim, nothingReady } from "./claim.ts";
import { enqueue } from "./enqueue.ts";
import { campaign, resign, seatTaken } from "./leader.ts";
import { expired, renew } from "./lease.ts";
import { applyMemory } from "./memory.ts";
import { acquire, releasePermits, renewPermits, stillWaiting } from "./permits.ts";
import { list } from "./list.ts";
import { nothingDue, promote } from "./promote.ts";
import { nothingToPrune, prune } from "./prune.ts";
import { query } from "./query.ts";
import { configure, queues } from "./queue.ts";
import { attempts, flow, get } from "./read.ts";
import { changeSchedule, defineSchedules, dueSchedules, listSchedules, ticks, wantSchedules } from "./schedule.ts";
import { settleBatch } from "./settle.ts";
import { fire, fireNow } from "./tick.ts";
import { briefs, byKey, claimedBy, find, members } from "./browse.ts";
import { addLines, putMinutes, readLines, readMinutes } from "./watch.ts";
import { ask, beat, counts, leave, managers, progress, reportProgress, stages } from "./sight.ts";
import { wake } from "./wake.ts";

/** Runs one operation on a connection; the caller has opened the transaction and the savepoint. */
export function execute(session: Session, request: Request): unknown {
  session.now = Date.now() + request.clockOffsetMs;
  switch (request.op) {
    case "enqueue":
      return enqueue(session, ...request.args);
    case "claim":
      return claim(session, ...request.args);
    case "settle":
      return settleBatch(session, ...request.args);
    case "renew":
      return renew(session, ...request.args);
    case "promote":
      return promote(session, ...request.args);
    case "wake":
      return wake(session, ...request.args);
    case "amend":
      return amend(session, ...request.args);
    case "query":
      return query(session, ...request.args, request.tx !== undefined);
    case "configure":
      return configure(session, ...request.args);
    case "queues":
      return queues(session);
    case "expired":
      return expired(session, ...request.args);
    case "get":
      return get(session, ...request.args);
    case "list":
      return list(session, ...request.args);
    case "attempts":
      return attempts(session, ...request.args);
    case "flow":
      return flow(session, ...request.args);
    default:
      return executeBeside(session, request);
  }
}

/** What stands beside the jobs themselves: permits and memory, sight and keeping, schedules and the leader's seat. */
function executeBeside(session: Session, request: Request): unknown {
  switch (request.op) {
    case "acquire":
      return acquire(session, ...request.args);
    case "renewPermits":
      return renewPermits(session, ...request.args);
    case "releasePermits":
      return releasePermits(session, ...request.args);
    case "applyMemory":
      return applyMemory(session, ...request.args);
    case "counts":
      return counts(session);
    case "stages":
      return stages(session, ...request.args);
    case "beat":
      return beat(session, ...request.args);
    case "ask":
      return ask(session, ...request.args);
    case "leave":
      return leave(session, ...request.args);
    case "managers":
      return managers(session);
    case "reportProgress":
      return reportProgress(session, ...request.args);
    case "progress":
      return progress(session, ...request.args);
    case "prune":
      return prune(session, ...request.args);
    case "scheduleDefine":
      return defineSchedules(session, ...request.args);
    case "scheduleWant":
      return wantSchedules(session, ...request.args);
    case "scheduleDue":
      return dueSchedules(session, ...request.args);
    case "scheduleFire":
      return fire(session, ...request.args);
    case "scheduleFireNow":
      return fireNow(session, ...request.args);
    case "scheduleChange":
      return changeSchedule(session, ...request.args);
    case "scheduleList":
      return listSchedules(session, ...request.args);
    case "scheduleTicks":
      return ticks(session, ...request.args);
    case "seatTaken":
      return seatTaken(session, ...request.args);
    case "campaign":
      return campaign(session, ...request.args);
    case "resign":
      return resign(session, ...request.args);
    default:
      return executeSeen(session, request);
  }
}

/** What people see of the jobs. */
function executeSeen(session: Session, request: Request): unknown {
  switch (request.op) {
    case "find":
      return find(session, ...request.args);
    case "briefs":
      return briefs(session, ...request.args);
    case "members":
      return members(session, ...request.args);
    case "byKey":
      return byKey(session, ...request.args);
    case "claimedBy":
      return claimedBy(session, ...request.args);
    case "putMinutes":
      return putMinutes(session, ...request.args);
    case "readMinutes":
      return readMinutes(session, ...request.args);
    case "addLines":
      return addLines(session, ...request.args);
    case "readLines":
      return readLines(session, ...request.args);
    default:
      // begin, commit, rollback: the writer's loop keeps these for itself.
      return undefined;
  }
}

/** The answer of an operation that has nothing to write, so that it need not wait for the file's writer; else undefined. */
export function answerIdle(session: Session, request: Request): { value: unknown } | undefined {
  session.now = Date.now() + request.clockOffsetMs;
  if (request.op === "claim") return nothingReady(session, request.args[0]) ? { value: [] } : undefined;
  if (request.op === "prune") {
    return nothingToPrune(session, request.args[0]) ? { value: { jobs: 0, flows: 0, more: false } } : undefined;
  }
  if (request.op === "promote") {
    const value = nothingDue(session);
    return value === undefined ? undefined : { value };
  }
  if (request.op === "acquire") {
    const value = stillWaiting(session, request.args[0]);
    return value === undefined ? undefined : { value };
  }
  return undefined;
}
