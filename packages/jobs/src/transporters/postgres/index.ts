export { postgres, PostgresTransporter } from "./postgres.ts";
export type { PostgresOptions } from "./options.ts";
export { fromPgClient, type PgClientLike } from "./tx.ts";
