import { BenchError } from "./bench-error.ts";

export type StoreKind = "postgres" | "sqlite" | "redis" | "redis-always";

/** An engine as it is compared: an adapter, a store and settings. */
export interface Engine {
  /** In figures and flags. */
  name: string;
  /** In tables. */
  label: string;
  store: StoreKind;
  /** Its adapter, exporting `open` of engine.ts; loaded in the processes that use it only. */
  module: string;
  /** Whose it is: `ours` are measured against `peer`s and `floor`s. */
  side: "ours" | "peer" | "floor";
  /** With the settings it comes with, instead of the best documented ones. */
  defaults: boolean;
  /** The floor only: enqueues without waking anybody. */
  quiet: boolean;
}

function engine(
  name: string,
  label: string,
  store: StoreKind,
  module: string,
  side: Engine["side"],
  options: { defaults?: boolean; quiet?: boolean } = {},
): Engine {
  const { defaults = false, quiet = false } = options;
  return { name, label, store, module, side, defaults, quiet };
}

export const engines: readonly Engine[] = [
  engine("ours-postgres", "Provost, PostgreSQL", "postgres", "./engines/ours.ts", "ours"),
  engine("ours-sqlite", "Provost, SQLite", "sqlite", "./engines/ours.ts", "ours"),
  engine("ours-threads", "Provost, threads", "postgres", "./engines/ours-threads.ts", "ours"),
  engine("ours-processes", "Provost, processes", "postgres", "./engines/ours-processes.ts", "ours"),
  engine("graphile-worker", "graphile-worker", "postgres", "./peers/graphile-worker.ts", "peer"),
  engine("pg-boss", "pg-boss", "postgres", "./peers/pg-boss.ts", "peer"),
  engine("bullmq", "BullMQ, Redis everysec", "redis", "./peers/bullmq.ts", "peer"),
  engine("bullmq-always", "BullMQ, Redis always", "redis-always", "./peers/bullmq.ts", "peer"),
  engine("raw-postgres", "raw SQL, PostgreSQL", "postgres", "./engines/raw-postgres.ts", "floor"),
  engine("raw-postgres-quiet", "raw SQL without NOTIFY", "postgres", "./engines/raw-postgres.ts", "floor", {
    quiet: true,
  }),
  engine("raw-sqlite", "raw node:sqlite", "sqlite", "./engines/raw-sqlite.ts", "floor"),
  engine("ours-postgres-defaults", "Provost, PostgreSQL, defaults", "postgres", "./engines/ours.ts", "ours", {
    defaults: true,
  }),
  engine("graphile-worker-defaults", "graphile-worker, defaults", "postgres", "./peers/graphile-worker.ts", "peer", {
    defaults: true,
  }),
  engine("pg-boss-defaults", "pg-boss, defaults", "postgres", "./peers/pg-boss.ts", "peer", { defaults: true }),
  engine("bullmq-defaults", "BullMQ, defaults", "redis", "./peers/bullmq.ts", "peer", { defaults: true }),
];

/** @throws BenchError `unknown_name`. */
export function engineNamed(name: string): Engine {
  const found = engines.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new BenchError(
    "unknown_name",
    `no engine ${JSON.stringify(name)}: give one of ${engines.map((each) => each.name).join(", ")}`,
  );
}
