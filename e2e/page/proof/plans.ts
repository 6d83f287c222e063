import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SqlAccess } from "@provost/jobs";
import type { ThrowawayPostgres } from "@provost/jobs/testing/postgres";

/** PostgreSQL tells the plan of every statement that it ran, with the rows that each of its nodes really met; when it is told to (`Plans`). */
export const planSettings = {
  shared_preload_libraries: "auto_explain",
  "auto_explain.log_analyze": "on",
  "auto_explain.log_timing": "off",
  "auto_explain.log_format": "json",
  logging_collector: "on",
  log_destination: "jsonlog",
  log_min_messages: "log",
} as const;

interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  "Rows Removed by Index Recheck"?: number;
  Plans?: PlanNode[];
}

export interface Read {
  query: string;
  /** Of one node, those thrown away included: what had to be looked at. */
  rows: number;
  node: string;
}

/** What the store says of how it answered. SQLite says nothing of that by itself: there the file's reads are counted. */
export class Plans {
  readonly #sql: SqlAccess;
  readonly #log: string | undefined;
  #offset = 0;

  private constructor(sql: SqlAccess, log: string | undefined) {
    this.#sql = sql;
    this.#log = log;
  }

  static async of(sql: SqlAccess, server: ThrowawayPostgres | undefined): Promise<Plans> {
    if (server === undefined) return new Plans(sql, undefined);
    const { rows } = await sql.query(
      "select current_setting('data_directory') as folder, pg_current_logfile('jsonlog') as log",
    );
    return new Plans(sql, join(String(rows[0]?.["folder"]), String(rows[0]?.["log"])));
  }

  get known(): boolean {
    return this.#log !== undefined;
  }

  /** From here on every statement is told. */
  async begin(): Promise<void> {
    await this.#switch("0");
    this.#offset = this.#size();
  }

  /** What was read since `begin`, the most first; nothing is told any more. */
  async end(): Promise<Read[]> {
    await this.#switch("-1");
    if (this.#log === undefined) return [];
    const text = readFileSync(this.#log).subarray(this.#offset).toString("utf8");
    return text
      .split("\n")
      .flatMap((line) => readOf(line))
      .toSorted((a, b) => b.rows - a.rows);
  }

  async #switch(min: string): Promise<void> {
    if (this.#log === undefined) return;
    await this.#sql.query(`alter system set auto_explain.log_min_duration = ${min}`);
    await this.#sql.query("select pg_reload_conf(), pg_sleep(0.2)");
  }

  #size(): number {
    return this.#log !== undefined && existsSync(this.#log) ? statSync(this.#log).size : 0;
  }
}

function readOf(line: string): Read[] {
  if (!line.includes("Actual Rows")) return [];
  const { message } = JSON.parse(line) as { message: string };
  const { "Query Text": query, Plan: plan } = JSON.parse(message.slice(message.indexOf("{"))) as {
    "Query Text": string;
    Plan: PlanNode;
  };
  const nodes = flat(plan).filter((node) => node["Relation Name"] !== undefined);
  const met = nodes.map((node) => ({
    query: query.replaceAll(/\s+/g, " ").trim(),
    rows: rowsMet(node),
    node: [node["Node Type"], node["Relation Name"], node["Index Name"]].filter(Boolean).join(" "),
  }));
  return met;
}

function flat(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flat)];
}

function rowsMet(node: PlanNode): number {
  const each =
    node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0) + (node["Rows Removed by Index Recheck"] ?? 0);
  return each * node["Actual Loops"];
}
