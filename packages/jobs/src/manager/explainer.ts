import { gateOf } from "../core/gate.ts";
import type { Job, JobId } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import { spoken } from "../core/spoken.ts";
import { sentenceOf, type Holder, type Reason } from "../core/why.ts";
import type { ConfiguredQueue } from "../transporters/queues.ts";
import type { Transporter } from "../transporters/transporter.ts";

/** Why a job is not running, to be read by programs and by people. */
export interface Why {
  job: Job;
  reason: Reason;
  /** `waits for stage 2 of 3: configure (attempt 4 of 30, next look in 12 s)` */
  sentence: string;
}

type EndStatus = Extract<Reason, { kind: "final" }>["status"];

/** Holders named at most, and looked for among how many jobs of a flow that are under way. */
const holdersMax = 10;
const activeMax = 100;

/** Answers *why* for any job (L15), from a few reads that lock nothing; what moves between them is told as it was seen. */
export class Explainer {
  readonly #transporter: Transporter;

  constructor(transporter: Transporter) {
    this.#transporter = transporter;
  }

  async why(id: JobId): Promise<Why | undefined> {
    const [[job], now] = await Promise.all([this.#transporter.get([id]), this.#transporter.now()]);
    if (job === undefined) return undefined;
    const reason = await this.#reason(job, now);
    return { job, reason, sentence: sentenceOf(job, reason) };
  }

  #reason(job: Job, now: number): Promise<Reason> | Reason {
    if (job.heldAt !== undefined && job.status !== "in_progress" && job.finishedAt === undefined)
      return { kind: "held", since: job.heldAt, status: job.status };
    switch (job.status) {
      case "waiting":
        return this.#gate(job, now);
      case "delayed":
        if (job.readyAt > now) return delay(job, job.readyAt - now);
        return this.#line(job);
      case "queued":
        return this.#line(job);
      case "in_progress":
        return running(job, now);
      default:
        return final(job, job.status, now);
    }
  }

  async #gate(job: Job, now: number): Promise<Reason> {
    const { flowId = "" } = job;
    if (job.stage === undefined) {
      const flow = await this.#transporter.flow(flowId);
      return { kind: "on-failed", flowStatus: flow?.status ?? "running" };
    }
    const active: Job[] = [];
    const [stages] = await Promise.all([
      this.#transporter.sight.stages(flowId),
      ...(["in_progress", "delayed", "queued"] as const).map(async (status) => {
        active.push(...(await this.#transporter.list({ flowId, status, limit: activeMax })));
      }),
    ]);
    const gate = gateOf(job, stages, active);
    const heldBy = (gate?.heldBy ?? []).slice(0, holdersMax).map((holder) => holderOf(holder, now));
    if (gate?.kind === "parent") return { kind: "parent", heldBy };
    const siblings = stages.filter(({ parentId }) => parentId === job.parentId).length;
    return {
      kind: "gate",
      stage: (gate?.stage ?? job.stage) + 1,
      stages: gate?.stages ?? siblings,
      unfinished: gate?.unfinished ?? 0,
      heldBy,
    };
  }

  async #line(job: Job): Promise<Reason> {
    const { name, queue, lane } = job;
    const { sight, queues } = this.#transporter;
    const [managers, lines, configured] = await Promise.all([sight.managers(), sight.counts(), queues.list()]);
    const settings = configured.find((each) => each.queue === queue);
    if (settings?.paused === true) return { kind: "paused", queue };
    const able = managers.filter(
      (manager) =>
        manager.facts?.quiet !== true &&
        manager.names.includes(name) &&
        manager.lines.some((line) => line.queue === queue && line.lane === lane),
    );
    if (able.length === 0) return { kind: "no-worker", name, queue, managers: managers.length };
    const reached = settings === undefined ? [] : await this.#reached(job, settings);
    if (reached.length > 0) return { kind: "limit", queue, limits: reached };
    const line = lines.find((each) => each.queue === queue && each.lane === lane);
    return { kind: "line", queued: line?.counts.queued ?? 1, managers: able.length };
  }

  /** Limits of the queue that hold the job back now (L14). A rate holds back while it has less than one start to give. */
  async #reached({ queue, limitKey }: Job, settings: ConfiguredQueue): Promise<string[]> {
    const { concurrency, keyConcurrency, ratePerSecond, tokens = Infinity } = settings;
    const reached: string[] = [];
    if (concurrency !== null || (keyConcurrency !== null && limitKey !== undefined)) {
      const held = await this.#transporter.list({ queue, status: "in_progress", limit: limits.batchJobsMax });
      const ofKey = held.filter((each) => each.limitKey === limitKey).length;
      if (concurrency !== null && held.length >= concurrency) {
        reached.push(`concurrency, ${held.length} of ${concurrency}`);
      }
      if (keyConcurrency !== null && limitKey !== undefined && ofKey >= keyConcurrency) {
        reached.push(`concurrency of its key, ${ofKey} of ${keyConcurrency}`);
      }
    }
    if (ratePerSecond !== null && tokens < 1) {
      reached.push(
        `rate, ${ratePerSecond} per second, next start in ${spoken(((1 - tokens) * 1_000) / ratePerSecond)}`,
      );
    }
    return reached;
  }
}

function delay(job: Job, forMs: number): Reason {
  return { kind: "delay", forMs, ...(job.wakeKey === undefined ? {} : { wakeKey: job.wakeKey }) };
}

function final(job: Job, status: EndStatus, now: number): Reason {
  const { failure, finishedAt = now, attempts, attemptsUsed } = job;
  return {
    kind: "final",
    status,
    agoMs: Math.max(0, now - finishedAt),
    noAttemptsLeft: status === "failed" && attemptsUsed >= attempts,
    ...(failure === undefined ? {} : { failure }),
  };
}

function running(job: Job, now: number): Reason {
  const { claimedBy: manager = "", startedAt, leaseUntil = now, cancelRequested } = job;
  const leaseMs = leaseUntil - now;
  if (startedAt === undefined) return { kind: "claimed", manager, leaseMs };
  return { kind: "running", manager, forMs: Math.max(0, now - startedAt), leaseMs, cancelRequested };
}

function holderOf(job: Job, now: number): Holder {
  const { id, name, status, attemptsUsed, attempts, readyAt, heldAt } = job;
  const held = heldAt === undefined ? {} : { held: true as const };
  const holder = { id, name, status, attempt: Math.min(attemptsUsed + 1, attempts), attempts, ...held };
  return status === "delayed" ? { ...holder, nextInMs: Math.max(0, readyAt - now) } : holder;
}
