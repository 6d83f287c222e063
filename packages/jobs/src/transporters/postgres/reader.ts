import { JobsError } from "../../core/errors.ts";
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
    const rows = await this.#connections.query<JobRow>(
      `SELECT j.* FROM unnest($1::bigint[]) WITH ORDINALITY AS asked(id, place) JOIN ${this.#schema}.job j USING (id) ORDER BY asked.place`,
      [ids.map(idText)],
    );
    return rows.map(toJob);
  }

  /** Ascending by id, so that `after` walks them page by page. Each way to narrow it down has its own plan. */
  async list(query: JobQuery): Promise<Job[]> {
    checkBatch("jobs", query.limit);
    const conditions: string[] = [];
    const values: unknown[] = [];
    const where = (condition: string, value: unknown): void => {
      values.push(value);
      conditions.push(`${condition} $${values.length}`);
    };
    if (query.status !== undefined) conditions.push(`j.status = ${literal(query.status)}`);
    if (query.flowId !== undefined) where("j.flow_id =", idText(query.flowId));
    if (query.queue !== undefined) where("j.queue =", query.queue);
    if (query.name !== undefined) where("j.name =", query.name);
    if (query.after !== undefined) where("j.id >", idText(query.after));
    values.push(query.limit);
    const filter = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    const rows = await this.#connections.query<JobRow>(
      `SELECT j.* FROM ${this.#schema}.job j ${filter} ORDER BY j.id LIMIT $${values.length}`,
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

/** Written out, since a partial index is not used for a parameter. */
function literal(status: string): string {
  if (!/^[a-z_]{1,20}$/.test(status))
    throw new JobsError("invalid_options", `status ${JSON.stringify(status)} is none`);
  return `'${status}'`;
}
