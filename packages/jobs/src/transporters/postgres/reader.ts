import type { Attempt, Flow, Job, JobId } from "../../core/job.ts";
import type { JobQuery } from "../transporter.ts";
import type { Connections } from "./connections.ts";
import { checkBatch } from "../bounds.ts";
import { idText } from "./ids.ts";
import { type AttemptRow, type FlowRow, type JobRow, toAttempt, toFlow, toJob } from "./rows.ts";

/** What can be seen of jobs and flows. Reads lock nothing. */
export class Reader {
  readonly #connections: Connections;
  readonly #schema: string;

  /** `schema` is the quoted name. */
  constructor(connections: Connections, schema: string) {
    this.#connections = connections;
    this.#schema = schema;
  }

  /** Those that exist, in the order asked for. */
  async get(ids: JobId[]): Promise<Job[]> {
    checkBatch("jobs", ids.length);
    const rows = await this.#connections.query<JobRow>(`SELECT * FROM ${this.#schema}.get_jobs($1)`, [ids.map(idText)]);
    return rows.map(toJob);
  }

  /**
   * Ascending by id, so that `after` walks them page by page. By status or queue they are walked to, a stretch of the index
   * for each line and status, and merged: a million others are not passed on the way. What is left to be passed is jobs of
   * another name.
   */
  async list(query: JobQuery): Promise<Job[]> {
    checkBatch("jobs", query.limit);
    const { queue, status, name, flowId, after, limit } = query;
    const from = idText(after ?? "0");
    if (flowId === undefined && (queue !== undefined || status !== undefined)) {
      const rows = await this.#connections.query<JobRow>(
        `SELECT * FROM ${this.#schema}.list_jobs($1, $2, $3, $4, $5)`,
        [queue ?? null, status ?? null, name ?? null, from, limit],
      );
      return rows.map(toJob);
    }
    const conditions = ["j.id > $1"];
    const values: unknown[] = [from];
    const where = (column: string, value: unknown): void => {
      if (value !== undefined) conditions.push(`j.${column} = $${values.push(value)}`);
    };
    where("flow_id", flowId === undefined ? undefined : idText(flowId));
    where("status", status);
    where("queue", queue);
    where("name", name);
    const rows = await this.#connections.query<JobRow>(
      `SELECT j.* FROM ${this.#schema}.job_now j WHERE ${conditions.join(" AND ")} ORDER BY j.id LIMIT $${values.push(limit)}`,
      values,
    );
    return rows.map(toJob);
  }

  async attempts(id: JobId): Promise<Attempt[]> {
    const rows = await this.#connections.query<AttemptRow>(
      `SELECT * FROM ${this.#schema}.attempt WHERE job_id = $1 ORDER BY fence`,
      [idText(id)],
    );
    return rows.map(toAttempt);
  }

  async flow(id: JobId): Promise<Flow | undefined> {
    const rows = await this.#connections.query<FlowRow>(`SELECT * FROM ${this.#schema}.flow WHERE id = $1`, [
      idText(id),
    ]);
    return rows[0] === undefined ? undefined : toFlow(rows[0]);
  }
}
