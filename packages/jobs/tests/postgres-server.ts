import { afterAll, beforeAll } from "vitest";
import { JobsError } from "../src/core/errors.ts";
import { postgresMissing, startThrowawayPostgres, type ThrowawayPostgres } from "../src/testing/postgres.ts";
import { type PostgresOptions, postgres, type PostgresTransporter } from "../src/transporters/postgres/index.ts";

/** Why the tests that need a server are skipped here, printed once; undefined when they run. */
export const skipReason = postgresMissing();
if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);

/** One server for a test file, a fresh schema for each store in it. */
export class TestServer {
  #server: ThrowawayPostgres | undefined;
  #schemas = 0;

  /** Registers its hooks with the file. */
  constructor() {
    beforeAll(async () => {
      if (skipReason === undefined) this.#server = await startThrowawayPostgres();
    });
    afterAll(async () => {
      await this.#server?.stop();
    });
  }

  get server(): ThrowawayPostgres {
    if (this.#server === undefined)
      throw new JobsError("store_stopped", "the test's server is not started: use it inside a test");
    return this.#server;
  }

  freshSchema(): string {
    this.#schemas += 1;
    return `store_${this.#schemas}`;
  }

  transporter(schema: string, more: Partial<PostgresOptions> = {}): PostgresTransporter {
    return postgres({ connectionString: this.server.url, schema, ...more });
  }
}
