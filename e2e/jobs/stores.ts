import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Job, JobStatus, JobQuery, Transporter } from "@provost/jobs";
import { startThrowawayPostgres, type ThrowawayPostgres } from "@provost/jobs/testing/postgres";
import { ProofError, type StoreKind } from "./proof.ts";

/** A store of a proof's own. */
export interface ProofStore {
  kind: StoreKind;
  /** As `storeAt` takes it: a path or a connection string. Holds a password: not to be printed. */
  address: string;
  /** Temporary; removed with the store. */
  folder: string;
  /** Where the store is a server. */
  server?: ThrowawayPostgres;
}

/**
 * Runs `fn` on a store that is gone afterwards, also when the process ends meanwhile. @throws JobsError `store_unavailable` where
 * there can be no throwaway server.
 *
 * @param settings of the server, where it is one.
 */
export async function onThrowawayStore<T>(
  kind: StoreKind,
  fn: (store: ProofStore) => Promise<T>,
  settings: Readonly<Record<string, string>> = {},
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "provost-prove-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  let server: ThrowawayPostgres | undefined;
  try {
    if (kind === "SQLite") return await fn({ kind, address: join(folder, "jobs.db"), folder });
    server = await startThrowawayPostgres({ settings });
    return await fn({ kind, address: server.url, folder, server });
  } finally {
    await server?.stop();
    remove();
    process.off("exit", remove);
  }
}

/** How many jobs of the store have one of these statuses. */
export async function countOf(transporter: Transporter, ...statuses: JobStatus[]): Promise<number> {
  const lines = await transporter.sight.counts();
  return lines.reduce((sum, { counts }) => sum + statuses.reduce((part, status) => part + counts[status], 0), 0);
}

/** Looks again and again until it holds. @throws ProofError `not_ended`. */
export async function until(holds: () => Promise<boolean>, limitMs: number): Promise<void> {
  for (const end = performance.now() + limitMs; !(await holds()); await pause(100)) {
    if (performance.now() > end) throw new ProofError("not_ended", `not after ${limitMs} ms: ${holds.toString()}`);
  }
}

/** All jobs of the store that the query names, page by page. */
export async function allJobs(transporter: Transporter, query: Omit<JobQuery, "limit" | "after"> = {}): Promise<Job[]> {
  const jobs: Job[] = [];
  for (;;) {
    const last = jobs.at(-1);
    const more = last === undefined ? {} : { after: last.id };
    const page = await transporter.list({ ...query, limit: 1_000, ...more });
    if (page.length === 0) return jobs;
    jobs.push(...page);
  }
}

/** kill -9, and until it is gone. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}
