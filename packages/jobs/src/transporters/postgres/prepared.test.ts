import { Pool, type PoolClient } from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { skipReason, TestServer } from "../../../tests/postgres-server.ts";
import { Prepared } from "./prepared.ts";

describe.skipIf(skipReason !== undefined)("PostgreSQL: named statements", () => {
  const test = new TestServer();
  const text = "SELECT $1::text AS said";
  let pool: Pool;
  let client: PoolClient;
  let prepared: Prepared;

  beforeEach(async () => {
    pool = new Pool({ connectionString: test.server.url, max: 1 });
    client = await pool.connect();
    prepared = new Prepared();
  });
  afterEach(async () => {
    client.release();
    await pool.end();
  });

  async function say(value: string): Promise<unknown> {
    return (await prepared.query(client, { text, values: [value] })).rows;
  }

  async function named(): Promise<unknown[]> {
    const { rows } = await client.query<{ statement: string }>("SELECT statement FROM pg_prepared_statements");
    return rows.map(({ statement }) => statement);
  }

  it("a text is parsed once where the server itself answers", async () => {
    expect(await say("a")).toEqual([{ said: "a" }]);
    expect(await say("b")).toEqual([{ said: "b" }]);
    expect(await named()).toEqual([text]);
  });

  it("L3 behind a pooler, which greets with a number of its own, none has a name", async () => {
    Object.assign(client, { processID: 1 });
    expect(await say("a")).toEqual([{ said: "a" }]);
    expect(await named()).toEqual([]);
  });

  it("L3 a statement that the server has lost is sent again without a name, once, and so are all that follow", async () => {
    await client.query("CREATE TEMP TABLE said (value text)");
    const insert = { text: "INSERT INTO said VALUES ($1)" };
    await prepared.query(client, { ...insert, values: ["a"] });
    await client.query("DEALLOCATE ALL");
    await prepared.query(client, { ...insert, values: ["b"] });
    await prepared.query(client, { ...insert, values: ["c"] });
    expect((await client.query("SELECT string_agg(value, '') AS all FROM said")).rows).toEqual([{ all: "abc" }]);
    expect(await named()).toEqual([]);
  });

  it("L11 a newer release's functions, made under an open connection, are called all the same", async () => {
    await client.query("CREATE FUNCTION pg_temp.answer() RETURNS TABLE (one int) LANGUAGE sql AS 'SELECT 1'");
    const call = { text: "SELECT * FROM pg_temp.answer()" };
    expect((await prepared.query(client, call)).rows).toEqual([{ one: 1 }]);
    await client.query("DROP FUNCTION pg_temp.answer()");
    await client.query(
      "CREATE FUNCTION pg_temp.answer() RETURNS TABLE (one int, two int) LANGUAGE sql AS 'SELECT 1, 2'",
    );
    expect((await prepared.query(client, call)).rows).toEqual([{ one: 1, two: 2 }]);
  });

  it("what a statement itself gets wrong is told, and costs no names", async () => {
    await say("a");
    await expect(prepared.query(client, { text: "SELECT 1 / $1::int", values: [0] })).rejects.toThrow(
      /division by zero/,
    );
    expect(await named()).toContain(text);
  });
});
