import { BenchError } from "./bench-error.ts";

export type StoreKind = "postgres" | "sqlite" | "redis" | "redis-always";

/** An engine as it is compared: an adapter, a store and settings. */
export interface Engine {
  /** In figures and flags. */
  name: string;
  /** In tables. */
  label: string;
  store: StoreKind;
  /** Its adapter, exporting `open` of engine.ts, without the ending; loaded in the processes that use it only. */
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
  engine("ours-postgres", "Provost, PostgreSQL", "postgres", "./engines/ours", "ours"),
  engine("ours-sqlite", "Provost, SQLite", "sqlite", "./engines/ours", "ours"),
  engine("ours-threads", "Provost, threads", "postgres", "./engines/ours-threads", "ours"),
  engine("ours-processes", "Provost, processes", "postgres", "./engines/ours-processes", "ours"),
  engine("graphile-worker", "graphile-worker", "postgres", "./peers/graphile-worker", "peer"),
  engine("pg-boss", "pg-boss", "postgres", "./peers/pg-boss", "peer"),
  engine("bullmq", "BullMQ, Redis everysec", "redis", "./peers/bullmq", "peer"),
  engine("bullmq-always", "BullMQ, Redis always", "redis-always", "./peers/bullmq", "peer"),
  engine("raw-postgres", "raw SQL, PostgreSQL", "postgres", "./engines/raw-postgres", "floor"),
  engine("raw-postgres-quiet", "raw SQL without NOTIFY", "postgres", "./engines/raw-postgres", "floor", {
    quiet: true,
  }),
  engine("raw-sqlite", "raw node:sqlite", "sqlite", "./engines/raw-sqlite", "floor"),
  engine("ours-postgres-defaults", "Provost, PostgreSQL, defaults", "postgres", "./engines/ours", "ours", {
    defaults: true,
  }),
  engine("graphile-worker-defaults", "graphile-worker, defaults", "postgres", "./peers/graphile-worker", "peer", {
    defaults: true,
  }),
  engine("pg-boss-defaults", "pg-boss, defaults", "postgres", "./peers/pg-boss", "peer", { defaults: true }),
  engine("bullmq-defaults", "BullMQ, defaults", "redis", "./peers/bullmq", "peer", { defaults: true }),
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
