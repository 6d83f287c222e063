import { limits } from "../../core/limits.ts";
import type { JobId, JobStatus, Lane, StagePolicy } from "../../core/job.ts";
import type { Kept, KeepingStore, Pruned } from "../keeping.ts";
import type {
  FlowStage,
  ManagerAsked,
  ManagerBeat,
  ManagerFacts,
  ManagerSeen,
  Progress,
  ProgressReport,
  QueueCounts,
  SightStore,
  StageState,
} from "../sight.ts";
import { checkBatch } from "../bounds.ts";
import type { Connections } from "./connections.ts";
import { idText } from "./ids.ts";

type CountLine = { queue: string; lane: Lane } & Record<JobStatus, number>;

interface StageLine {
  id: string;
  parent_id: string | null;
  parent_stage_id: string | null;
  position: number;
  policy: StagePolicy;
  state: StageState;
  unfinished: number;
}

interface ManagerLine {
  id: string;
  names: string;
  lines: string;
  started_at: string;
  seen_at: string;
  facts: string | null;
  asked: ManagerAsked;
  leads: boolean;
}

/** Sight and keeping (L15, L17): one statement for each method. */
export class PostgresSight implements SightStore, KeepingStore {
  readonly #connections: Connections;
  readonly #schema: string;
  readonly #offsetMs: () => number;

  /** `schema` is the quoted name. */
  constructor(connections: Connections, schema: string, offsetMs: () => number) {
    this.#connections = connections;
    this.#schema = schema;
    this.#offsetMs = offsetMs;
  }

  async counts(): Promise<QueueCounts[]> {
    const rows = await this.#query<{ line: CountLine; oldest_wait_ms: string | null }>(
      `SELECT * FROM ${this.#schema}.counts($1)`,
      [this.#offsetMs()],
    );
    return rows.map(({ line: { queue, lane, ...counted }, oldest_wait_ms: oldest }) => {
      const line = { queue, lane, counts: counted };
      return oldest === null ? line : { ...line, oldestWaitMs: Math.max(0, Number(oldest)) };
    });
  }

  async stages(flowId: JobId): Promise<FlowStage[]> {
    const rows = await this.#query<StageLine>(
      `SELECT s.id, s.parent_id, j.stage_id AS parent_stage_id, s.position, s.policy, s.state, s.unfinished FROM (
        SELECT t.* FROM ${this.#schema}.stage t WHERE t.flow_id = $1 AND t.parent_id IS NULL
        UNION ALL SELECT c.* FROM ${this.#schema}.job p JOIN ${this.#schema}.stage c ON c.parent_id = p.id
          WHERE p.flow_id = $1 AND p.has_children) s
      LEFT JOIN ${this.#schema}.job j ON j.id = s.parent_id ORDER BY s.id`,
      [idText(flowId)],
    );
    return rows.map((row) => ({
      id: row.id,
      ...(row.parent_id === null ? {} : { parentId: row.parent_id }),
      ...(row.parent_stage_id === null ? {} : { parentStageId: row.parent_stage_id }),
      position: row.position,
      policy: row.policy,
      state: row.state,
      unfinished: row.state === "open" ? row.unfinished : 0,
    }));
  }

  async beat({ id, names, lines, facts }: ManagerBeat, ttlMs: number): Promise<ManagerAsked> {
    const [row] = await this.#query<{ asked: ManagerAsked }>(
      `INSERT INTO ${this.#schema}.manager AS m (id, names, lines, started_at, seen_at, seen_until, facts)
        SELECT $1, $2, $3, n.now, n.now, n.now + $4, $6 FROM (SELECT ${this.#schema}.now_ms($5) AS now) n
      ON CONFLICT (id) DO UPDATE SET names = excluded.names, lines = excluded.lines, seen_at = excluded.seen_at,
        seen_until = excluded.seen_until, facts = excluded.facts RETURNING m.asked`,
      [
        id,
        JSON.stringify(names),
        JSON.stringify(lines),
        ttlMs,
        this.#offsetMs(),
        facts === undefined ? null : JSON.stringify(facts),
      ],
    );
    return row?.asked ?? "run";
  }

  async ask(manager: string, asked: ManagerAsked): Promise<boolean> {
    const rows = await this.#query(
      `UPDATE ${this.#schema}.manager SET asked = $2 WHERE id = $1 AND seen_until > ${this.#schema}.now_ms($3) RETURNING id`,
      [manager, asked, this.#offsetMs()],
    );
    return rows.length > 0;
  }

  async leave(manager: string): Promise<void> {
    await this.#query(`DELETE FROM ${this.#schema}.manager WHERE id = $1`, [manager]);
  }

  async managers(): Promise<ManagerSeen[]> {
    const rows = await this.#query<ManagerLine>(
      `SELECT m.id, m.names, m.lines, m.started_at, m.seen_at, m.facts, m.asked,
        EXISTS (SELECT 1 FROM ${this.#schema}.leader l WHERE l.manager = m.id AND l.held_until > n.now) AS leads
      FROM ${this.#schema}.manager m, (SELECT ${this.#schema}.now_ms($1) AS now) n WHERE m.seen_until > n.now ORDER BY m.id COLLATE "C"`,
      [this.#offsetMs()],
    );
    return rows.map((row) => ({
      id: row.id,
      // Written by `beat` only.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      names: JSON.parse(row.names) as string[],
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      lines: JSON.parse(row.lines) as ManagerBeat["lines"],
      startedAt: Number(row.started_at),
      seenAt: Number(row.seen_at),
      asked: row.asked,
      leads: row.leads,
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      ...(row.facts === null ? {} : { facts: JSON.parse(row.facts) as ManagerFacts }),
    }));
  }

  async reportProgress(reports: ProgressReport[]): Promise<void> {
    if (reports.length === 0) return;
    checkBatch("progress reports", reports.length);
    // Several of one attempt in one call would meet the same row twice: the last counts.
    const latest = new Map(reports.map((report) => [report.id, { ...report, id: idText(report.id) }]));
    await this.#query(
      `INSERT INTO ${this.#schema}.progress AS p (id, fence, value, at)
        SELECT j.id, j.fence, r.value, ${this.#schema}.now_ms($2) FROM json_to_recordset($1) AS r(id bigint, fence integer, value text)
        JOIN ${this.#schema}.job_now j ON j.id = r.id WHERE j.fence = r.fence AND j.status = 'in_progress' ORDER BY j.id
      ON CONFLICT (id) DO UPDATE SET fence = excluded.fence, value = excluded.value, at = excluded.at`,
      [JSON.stringify([...latest.values()]), this.#offsetMs()],
    );
  }

  async progress(id: JobId): Promise<Progress | undefined> {
    const [row] = await this.#query<{ fence: number; value: string; at: string }>(
      `SELECT fence, value, at FROM ${this.#schema}.progress WHERE id = $1`,
      [idText(id)],
    );
    return row === undefined ? undefined : { ...row, at: Number(row.at) };
  }

  async prune({ processedMs, badMs }: Kept, limit: number): Promise<Pruned> {
    const bounded = Math.min(limit, limits.batchJobsMax);
    const [row] = await this.#query<{ jobs: number; flows: number }>(
      `SELECT * FROM ${this.#schema}.prune($1, $2, $3, $4)`,
      [processedMs, badMs, bounded, this.#offsetMs()],
    );
    const { jobs = 0, flows = 0 } = row ?? {};
    return { jobs, flows, more: jobs >= bounded };
  }

  async #query<R>(text: string, values: unknown[]): Promise<R[]> {
    return await this.#connections.query<R>(text, values);
  }
}
