import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestServer, skipReason } from "../../../tests/postgres-server.ts";
import type { NewJob } from "../transporter.ts";
import type { PostgresTransporter } from "./index.ts";

/** A node of a plan, with what it has done. */
interface Node {
  "Node Type": string;
  "Relation Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  Plans?: Node[];
}

const large = new Set(["job", "done", "ready", "attempt", "log", "minute", "flow", "stage", "unique_key"]);
const jobs = 20_000;

describe.skipIf(skipReason !== undefined)("L15 plans of what is seen: PostgreSQL", () => {
  const server = new TestServer();
  let store: PostgresTransporter;
  let client: Client;
  const schema = "plans";
  let plans: Node[] = [];

  beforeAll(async () => {
    store = server.transporter(schema);
    await store.start();
    const job: NewJob = {
      name: "work",
      queue: "q",
      lane: "short",
      input: "{}",
      priority: 100,
      attempts: 3,
      timeoutMs: 1_000,
      delayMs: 0,
    };
    for (let from = 0; from < jobs; from += 10_000) {
      await store.enqueue(
        Array.from({ length: 10_000 }, (_, n) => ({
          job: {
            ...job,
            name: `n${n % 5}`,
            priority: n % 3,
            queue: n % 2 === 0 ? "q" : "r",
            delayMs: n % 7 === 0 ? 60_000 : 0,
          },
        })),
      );
    }
    const failure = { code: "x", message: "y" };
    const names = ["n0", "n1", "n2", "n3", "n4"];
    for (let batch = 0; batch < 6; batch += 1) {
      const request = { queue: "q", lane: "short" as const, names, limit: 1_000, leaseMs: 10_000, started: true };
      const claimed = await store.claim([request], "m");
      await store.settle(
        claimed.slice(0, 990).map(({ id, fence, version }, n) => ({
          id,
          fence,
          version,
          outcome:
            n % 4 === 0
              ? { kind: "failed" as const, cause: "error" as const, attemptsUsed: 3, crashes: 0, errors: 1, failure }
              : { kind: "processed" as const },
        })),
      );
    }
    client = new Client(server.server.url);
    await client.connect();
    client.on("notice", ({ message }) => {
      const plan = /plan:\s*(\{[\s\S]*\})\s*$/.exec(message ?? "")?.[1];
      if (plan !== undefined) plans.push((JSON.parse(plan) as { Plan: Node }).Plan);
    });
    await client.query(`ANALYZE "${schema}".job; ANALYZE "${schema}".done; ANALYZE "${schema}".ready`);
    await client.query("LOAD 'auto_explain'");
    for (const setting of [
      "log_min_duration = 0",
      "log_nested_statements = on",
      "log_analyze = on",
      "log_timing = off",
      "log_format = 'json'",
      "log_level = 'notice'",
    ])
      await client.query(`SET auto_explain.${setting}`);
  });
  afterAll(async () => {
    await client.end();
    await store.stop();
  });

  /** Rows of large tables that a call has looked at, and its scans of whole ones. */
  async function looked(call: string, values: unknown[]): Promise<{ rows: number; scans: string[] }> {
    plans = [];
    await client.query(call.replaceAll("@", `"${schema}"`), values);
    expect(plans.length).toBeGreaterThan(0);
    let rows = 0;
    const scans: string[] = [];
    const visit = (node: Node): void => {
      const relation = node["Relation Name"];
      if (relation !== undefined && large.has(relation)) {
        rows += (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0)) * node["Actual Loops"];
        if (node["Node Type"] === "Seq Scan") scans.push(relation);
      }
      for (const below of node.Plans ?? []) visit(below);
    };
    for (const plan of plans) visit(plan);
    return { rows, scans };
  }

  const findSql = "SELECT * FROM @.find_jobs($1, $2, $3, $4, $5, 9223372036854775807, 100, $6)";
  const calls: [string, string, unknown[], number][] = [
    ["all, newest first", findSql, [null, null, null, null, null, 1_000], 200],
    ["by name alone", findSql, [null, null, "n1", null, null, 1_000], 1_100],
    ["by queue", findSql, [null, "q", null, null, null, 1_000], 3_000],
    ["by status", findSql, [["processed", "failed"], null, null, null, null, 1_000], 1_500],
    // Each look at an end or a claim is one at the job's row too.
    ["by status, name and priority", findSql, [["processed", "queued", "failed"], null, "n1", 1, null, 1_000], 3_500],
    ["by flow", findSql, [["failed"], null, null, null, 1, 1_000], 10],
    ["counts", "SELECT * FROM @.counts(0)", [], 1_000],
    ["briefs", "SELECT brief FROM @.briefs($1)", [[1, 2, 3]], 20],
    ["members", "SELECT * FROM @.members($1)", [1], 10],
    ["by key", "SELECT id FROM @.by_key($1, 100)", ["k"], 10],
  ];
  for (const [what, call, values, most] of calls) {
    it(`L15 ${what}: looks at ${most} rows of ${jobs} jobs at most, and scans no large table`, async () => {
      const { rows, scans } = await looked(call, values);
      expect(scans).toEqual([]);
      expect(rows).toBeLessThanOrEqual(most);
    });
  }
});
