import type { JobId, JobStatus } from "../../core/job.ts";
import { limits } from "../../core/limits.ts";
import { checkBatch } from "../bounds.ts";
import type { BrowsePage, BrowseQuery, BrowseStore, FlowMember, JobBrief } from "../browse.ts";
import type { Connections } from "./connections.ts";
import { idText } from "./ids.ts";
import { type BriefRow, toBrief } from "./rows.ts";

const byKeyMax = 100;
const idMax = "9223372036854775807";

interface MemberRow {
  id: string;
  name: string;
  queue: string;
  status: JobStatus;
  priority: number;
  started_at: string | null;
  finished_at: string | null;
  stage_id: string | null;
}

/** Looking through jobs (L15): one statement for each method, which locks nothing. */
export class PostgresBrowse implements BrowseStore {
  readonly #connections: Connections;
  readonly #schema: string;

  /** `schema` is the quoted name. */
  constructor(connections: Connections, schema: string) {
    this.#connections = connections;
    this.#schema = schema;
  }

  async find(query: BrowseQuery): Promise<BrowsePage> {
    const { statuses, queue, name, priority, flowId, before, limit, looksMax } = query;
    checkBatch("find", limit);
    const [row] = await this.#connections.query<{ ids: string[]; reached: string | null }>(
      `SELECT * FROM ${this.#schema}.find_jobs($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        statuses ?? null,
        queue ?? null,
        name ?? null,
        priority ?? null,
        flowId === undefined ? null : idText(flowId),
        before === undefined ? idMax : idText(before),
        limit,
        Math.max(1, Math.min(looksMax, limits.browseLooksMax)),
      ],
    );
    const ids = row?.ids ?? [];
    const page = ids.slice(0, limit).map(String);
    const next = ids.length > limit ? page.at(-1) : (row?.reached ?? undefined);
    return { ids: page, ...(next === undefined ? {} : { next }) };
  }

  async briefs(ids: readonly JobId[]): Promise<JobBrief[]> {
    checkBatch("briefs", ids.length);
    return this.#briefs(`SELECT brief FROM ${this.#schema}.briefs($1)`, [ids.map(idText)]);
  }

  async members(flowId: JobId): Promise<FlowMember[]> {
    const rows = await this.#connections.query<MemberRow>(`SELECT * FROM ${this.#schema}.members($1)`, [
      idText(flowId),
    ]);
    return rows.map(
      ({ id, name, queue, status, priority, started_at: startedAt, finished_at: finishedAt, stage_id: stageId }) => ({
        id,
        name,
        queue,
        status,
        priority,
        ...(startedAt === null ? {} : { startedAt: Number(startedAt) }),
        ...(finishedAt === null ? {} : { finishedAt: Number(finishedAt) }),
        ...(stageId === null ? {} : { stageId }),
      }),
    );
  }

  async byKey(key: string): Promise<JobId[]> {
    const rows = await this.#connections.query<{ id: string }>(`SELECT id FROM ${this.#schema}.by_key($1, $2)`, [
      key,
      byKeyMax,
    ]);
    return rows.map(({ id }) => id);
  }

  async claimedBy(manager: string, limit: number): Promise<JobBrief[]> {
    checkBatch("claimedBy", limit);
    return this.#briefs(`SELECT brief FROM ${this.#schema}.briefs(${this.#schema}.claimed_by($1, $2))`, [
      manager,
      limit,
    ]);
  }

  async #briefs(text: string, values: unknown[]): Promise<JobBrief[]> {
    const rows = await this.#connections.query<{ brief: BriefRow }>(text, values);
    return rows.map(({ brief }) => toBrief(brief));
  }
}
