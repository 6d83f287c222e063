import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresMissing, startThrowawayPostgres, type ThrowawayPostgres } from "@provost/jobs/testing/postgres";

/** A proof that could not be run to its end. */
export class ProofError extends Error {
  override readonly name = "ProofError";
  readonly code: "enqueuer_failed" | "not_ended";

  constructor(code: ProofError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export type StoreKind = "SQLite" | "PostgreSQL";

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
 * Runs `fn` on a store that is gone afterwards. @throws JobsError `store_unavailable` where there can be no throwaway server: a
 * proof that cannot be run fails.
 */
export async function onThrowawayStore<T>(
  kind: StoreKind,
  fn: (store: ProofStore) => Promise<T>,
  connections = 120,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "provost-prove-"));
  let server: ThrowawayPostgres | undefined;
  try {
    if (kind === "SQLite") return await fn({ kind, address: join(folder, "jobs.db"), folder });
    server = await startThrowawayPostgres({ settings: { max_connections: String(connections) } });
    return await fn({ kind, address: server.url, folder, server });
  } finally {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The stores a proof was asked for by `--store`; both by default, those that cannot be had included. */
export function storesAsked(asked: string | undefined): StoreKind[] {
  if (asked === "sqlite") return ["SQLite"];
  if (asked === "postgres") return ["PostgreSQL"];
  return ["SQLite", "PostgreSQL"];
}

/** Prints the one line of figures and each fault, and sets the exit code by them. */
export function report(proof: string, figures: unknown, faults: readonly string[]): void {
  console.log(JSON.stringify({ proof, holds: faults.length === 0, figures, faults: faults.slice(0, 20) }));
  process.exitCode = faults.length === 0 ? 0 : 1;
}

/** The fault of a store that cannot be tried here; undefined when it can. */
export function cannotTry(kind: StoreKind): string | undefined {
  const missing = kind === "PostgreSQL" ? postgresMissing() : undefined;
  return missing === undefined ? undefined : `PostgreSQL was not tried: ${missing}`;
}
