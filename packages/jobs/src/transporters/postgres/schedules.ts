import type { Lane } from "../../core/job.ts";
import type { MissedPolicy } from "../../core/tick-plan.ts";
import { checkBatch } from "../bounds.ts";
import type { DueSchedule, FiredShard, LeaderSeat, Schedule, ScheduleStore, Tick, TickQuery } from "../schedules.ts";

/**
 * Calls a statement with the clock's offset as its last argument; `ready` names the queues to ring once it is committed. The
 * Transporter's own.
 */
export type Call = <R extends object>(
  text: string,
  values: unknown[],
  options?: { ready?: (row: R) => Iterable<string> },
) => Promise<R[]>;

type Big = string | number;

interface ScheduleRow {
  name: string;
  timing: string;
  shards: number;
  runs_max: number;
  missed: MissedPolicy;
  queue: string;
  lane: Lane;
  priority: number;
  timeout_ms: Big;
  next_due_at: Big | null;
  paused: boolean;
  wanted: boolean;
  cursors: (string | null)[] | null;
}

interface TickRow {
  schedule: string;
  shard: number;
  due_at: Big;
  fired_at: Big;
  outcome: Tick["outcome"];
  job_id: Big | null;
  started: Big | null;
  finished_at: Big | null;
  cursor_before: string | null;
  cursor_after: string | null;
}

/** Schedules (L13). `schema` is the quoted name. */
export function postgresSchedules(schema: string, call: Call): ScheduleStore {
  return {
    define: async (schedules, wantedMs) => {
      checkBatch("schedules", schedules.length);
      if (schedules.length > 0) {
        await call(`SELECT ${schema}.define_schedules($1, $2, $3)`, [JSON.stringify(schedules), wantedMs]);
      }
    },
    want: async (names, wantedMs) => {
      checkBatch("schedules", names.length);
      if (names.length > 0) await call(`SELECT ${schema}.want_schedules($1, $2, $3)`, [names, wantedMs]);
    },
    due: async (limit) => {
      checkBatch("schedules", limit);
      const [row] = await call<{ at: Big; due: DueSchedule[] | null; next_due_at: Big | null }>(
        `SELECT * FROM ${schema}.due_schedules($1, $2)`,
        [limit],
      );
      const now = Number(row?.at);
      const next = row?.next_due_at ?? null;
      return { now, schedules: row?.due ?? [], ...(next === null ? {} : { nextInMs: Number(next) - now }) };
    },
    fire: async (firings) => {
      checkBatch("firings", firings.length);
      if (firings.length === 0) return [];
      const [row] = await call<{ results: (FiredShard[] | null)[]; queues: string[] }>(
        `SELECT * FROM ${schema}.fire($1, $2)`,
        [JSON.stringify(firings)],
        { ready: ({ queues }) => queues },
      );
      return firings.map((_, place) => {
        const shards = row?.results[place] ?? null;
        return shards === null ? { state: "moved" } : { state: "fired", shards };
      });
    },
    fireNow: async (schedule, shards) => {
      const [row] = await call<{ results: FiredShard[] | null; queues: string[] | null }>(
        `SELECT * FROM ${schema}.fire_now($1, $2, $3)`,
        [schedule, shards ?? null],
        { ready: ({ queues }) => queues ?? [] },
      );
      return row?.results ?? undefined;
    },
    change: async (schedule, change) => {
      const next = change.kind === "resume" ? (change.nextDueAt ?? null) : null;
      const [row] = await call<{ changed: boolean }>(`SELECT ${schema}.change_schedule($1, $2, $3, $4) AS changed`, [
        schedule,
        change.kind,
        next,
      ]);
      return row?.changed === true;
    },
    list: async ({ name, after, limit }) => {
      checkBatch("schedules", limit);
      const rows = await call<ScheduleRow>(
        `SELECT s.*, s.wanted_until > ${schema}.now_ms($4) AS wanted, (SELECT array_agg(h.cursor ORDER BY h.shard)
          FROM ${schema}.shard h WHERE h.schedule = s.name AND h.shard < s.shards) AS cursors
        FROM ${schema}.schedule s WHERE ($1::text IS NULL OR s.name = $1) AND s.name > $2::text COLLATE "C" ORDER BY s.name COLLATE "C" LIMIT $3`,
        [name ?? null, after ?? "", limit],
      );
      return rows.map(toSchedule);
    },
    ticks: (query) => ticks(schema, call, query),
  };
}

async function ticks(schema: string, call: Call, { schedule, shard, before, limit }: TickQuery): Promise<Tick[]> {
  checkBatch("ticks", limit);
  const rows = await call<TickRow>(
    `SELECT t.*, coalesce(t.started_at, CASE WHEN t.outcome = 'fired' THEN j.started_at END) AS started
    FROM ${schema}.tick t LEFT JOIN ${schema}.job_now j ON j.id = t.job_id, (SELECT $5::bigint) AS clock
    WHERE t.schedule = $1 AND ($2::integer IS NULL OR t.shard = $2) AND ($3::bigint IS NULL OR t.due_at < $3)
    ORDER BY t.due_at DESC, t.shard LIMIT $4`,
    [schedule, shard ?? null, before ?? null, limit],
  );
  return rows.map(toTick);
}

/** The leader's seat (L13). */
export function postgresLeader(schema: string, call: Call): LeaderSeat {
  return {
    campaign: async (seat, manager, leaseMs) => {
      const [row] = await call<{ leads: boolean; fence: Big; retry_in_ms: Big }>(
        `SELECT * FROM ${schema}.campaign($1, $2, $3, $4)`,
        [seat, manager, leaseMs],
      );
      const fence = Number(row?.fence ?? 0);
      return row?.leads === true
        ? { leading: true, fence }
        : { leading: false, fence, retryInMs: Number(row?.retry_in_ms ?? leaseMs) };
    },
    resign: async (seat, manager) => {
      await call(`SELECT ${schema}.resign($1, $2, $3)`, [seat, manager]);
    },
  };
}

function toSchedule(row: ScheduleRow): Schedule {
  const { name, timing, shards, missed, queue, lane, priority } = row;
  return {
    name,
    timing,
    shards,
    runsMax: row.runs_max,
    missed,
    queue,
    lane,
    priority,
    timeoutMs: Number(row.timeout_ms),
    state: row.paused ? "paused" : row.wanted ? "active" : "unwanted",
    ...(row.next_due_at === null ? {} : { nextDueAt: Number(row.next_due_at) }),
    cursors: (row.cursors ?? []).map((cursor) => cursor ?? undefined),
  };
}

function toTick(row: TickRow): Tick {
  const dueAt = Number(row.due_at);
  const startedAt = row.started === null ? undefined : Number(row.started);
  return {
    schedule: row.schedule,
    shard: row.shard,
    dueAt,
    firedAt: Number(row.fired_at),
    outcome: row.outcome,
    ...(row.job_id === null ? {} : { jobId: String(row.job_id) }),
    ...(startedAt === undefined ? {} : { startedAt, lagMs: startedAt - dueAt }),
    ...(row.finished_at === null ? {} : { finishedAt: Number(row.finished_at) }),
    ...(row.cursor_before === null ? {} : { cursorBefore: row.cursor_before }),
    ...(row.cursor_after === null ? {} : { cursorAfter: row.cursor_after }),
  };
}
