import { failureSchema, type BakeStep, type Failure, type ImageStatus, type ImageView } from "@provost/contract";
import type { Selectable } from "kysely";
import type { SqlDialect } from "../storage/dialect.ts";
import { instant, iso } from "../storage/rows.ts";
import type { Instant, OptionalInstant } from "../storage/schema.ts";

/** Images that Provost makes: `store.db.withTables<ImageDatabase>()`. */
export type ImageDatabase = { control_image: ImageTable };

interface ImageTable {
  id: string;
  name: string;
  provider: string;
  /** Its name at the provider. */
  provider_name: string;
  base: string;
  region: string;
  type: string;
  /** 1: its first-boot service reports. */
  golden: number;
  /** 1: the builder runs Provost's own recipe. */
  recipe: number;
  recipe_hash: string;
  status: ImageStatus;
  /** The work under way: taken away, by compare-and-set, by whoever ends the bake. */
  task: "bake" | null;
  step: BakeStep;
  builder_id: string;
  flow_id: string | null;
  provider_image_id: string | null;
  /** Intent (C4): calls to make the image so far, when the last one was made, and 1 while its answer is not known. */
  call_attempt: number;
  called_at: OptionalInstant;
  call_open: number;
  /** When its present step began. */
  step_at: Instant;
  size_mb: number | null;
  /** JSON `Failure`. */
  failure: string | null;
  created_at: Instant;
  available_at: OptionalInstant;
  ended_at: OptionalInstant;
}

/** An image's row with its instants and JSON read. */
export type ImageRow = Omit<Selectable<ImageTable>, keyof ReadColumns> & ReadColumns;

interface ReadColumns {
  called_at: number | null;
  step_at: number;
  failure: Failure | null;
  created_at: number;
  available_at: number | null;
  ended_at: number | null;
}

export function imageRow(row: Selectable<ImageTable>): ImageRow {
  return {
    ...row,
    called_at: instant(row.called_at),
    step_at: Number(row.step_at),
    failure: row.failure === null ? null : failureSchema.parse(JSON.parse(row.failure)),
    created_at: Number(row.created_at),
    available_at: instant(row.available_at),
    ended_at: instant(row.ended_at),
  };
}

/** `defaultImage`: the account's, by the provider's id. */
export function imageView(row: ImageRow, defaultImage: string | undefined): ImageView {
  return {
    id: row.id,
    name: row.name,
    provider: row.provider,
    status: row.status,
    ...(row.status === "baking" ? { step: row.step } : {}),
    golden: row.golden === 1,
    default: row.status === "available" && row.provider_image_id === defaultImage,
    base: row.base,
    region: row.region,
    type: row.type,
    recipeHash: row.recipe_hash,
    ...(row.provider_image_id === null ? {} : { providerImageId: row.provider_image_id }),
    ...(row.size_mb === null ? {} : { sizeMb: row.size_mb }),
    builderId: row.builder_id,
    ...(row.flow_id === null ? {} : { flowId: row.flow_id }),
    ...(row.failure === null ? {} : { failure: row.failure }),
    createdAt: iso(row.created_at),
    ...(row.available_at === null ? {} : { availableAt: iso(row.available_at) }),
    ...(row.ended_at === null ? {} : { endedAt: iso(row.ended_at) }),
  };
}

/** For `storage/migrations.ts`. */
export const imagesMigration = { id: 7, name: "images", statements: imageTables };

function imageTables(dialect: SqlDialect): string[] {
  const instantType = dialect === "sqlite" ? "integer" : "bigint";
  return [
    "alter table control_instance add column builder_of text",
    `alter table control_instance add column hourly_usd ${dialect === "sqlite" ? "real" : "double precision"}`,
    `alter table control_budget_line add column joined_at ${instantType}`,
    "create index control_instance_builder on control_instance (id) where builder_of is not null and status <> 'destroyed'",
    `create table control_image (
      id text primary key, name text not null, provider text not null, provider_name text not null, base text not null,
      region text not null, type text not null, golden integer not null, recipe integer not null, recipe_hash text not null,
      status text not null, task text, step text not null, builder_id text not null, flow_id text, provider_image_id text,
      call_attempt integer not null, called_at ${instantType}, call_open integer not null, step_at ${instantType} not null,
      size_mb integer, failure text, created_at ${instantType} not null, available_at ${instantType}, ended_at ${instantType})`,
    "create unique index control_image_name on control_image (name) where status in ('baking', 'available')",
    "create unique index control_image_builder on control_image (builder_id)",
    "create index control_image_task on control_image (id) where task is not null",
  ];
}
