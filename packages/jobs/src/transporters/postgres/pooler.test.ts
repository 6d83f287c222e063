import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Client } from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { skipReason, TestServer } from "../../../tests/postgres-server.ts";
import { defineJob, JobManager, type ManagerEvent } from "../../index.ts";
import { postgres, type PostgresTransporter } from "./index.ts";

/** What a pooler in transaction mode does to a client, as far as the Transporter can tell. */
interface Pooler {
  /** It takes the startup parameter `options` and drops it, or refuses it. */
  options: "drop" | "refuse" | "pass";
  /** What is notified on a server connection that somebody else has by now is lost. */
  deaf: boolean;
}

const sockets = new Set<Socket>();

/** Between a client and the server on `port`; the messages' framing is that of the PostgreSQL protocol, version 3. */
async function pooler(port: number, { options, deaf }: Pooler): Promise<{ server: Server; port: number }> {
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    client.once("data", (startup) => {
      const parameters = startup.subarray(8).toString("latin1").split("\0");
      const at = parameters.indexOf("options");
      if (at >= 0 && options === "refuse") {
        client.end(errorResponse("unsupported startup parameter: options"));
        return;
      }
      if (at >= 0 && options === "drop") parameters.splice(at, 2);
      const rest = Buffer.from(parameters.join("\0"), "latin1");
      const head = Buffer.from(startup.subarray(0, 8));
      head.writeInt32BE(8 + rest.length, 0);
      upstream.write(Buffer.concat([head, rest]));
      client.pipe(upstream);
    });
    let kept = Buffer.alloc(0);
    upstream.on("data", (chunk) => {
      kept = Buffer.concat([kept, chunk]);
      while (kept.length >= 5 && kept.length > kept.readInt32BE(1)) {
        const length = 1 + kept.readInt32BE(1);
        // A NotificationResponse.
        if (!deaf || kept.toString("latin1", 0, 1) !== "A") client.write(kept.subarray(0, length));
        kept = kept.subarray(length);
      }
    });
    upstream.on("close", () => client.destroy());
    client.on("close", () => upstream.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

function errorResponse(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C08P01\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, fields]);
}

describe.skipIf(skipReason !== undefined)("PostgreSQL behind a pooler in transaction mode", () => {
  const test = new TestServer();
  const servers: Server[] = [];
  const opened: PostgresTransporter[] = [];

  afterEach(async () => {
    for (const transporter of opened.splice(0)) await transporter.stop();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    for (const server of servers.splice(0)) server.close();
  });

  async function behind(
    kind: Pooler,
    database: string,
    { setting, schema = test.freshSchema() }: { setting?: string; schema?: string } = {},
  ): Promise<PostgresTransporter> {
    const direct = new URL(test.server.url);
    const client = new Client({ connectionString: direct.href });
    await client.connect();
    const { rows } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
    if (rows.length === 0) await client.query(`CREATE DATABASE ${database}`);
    if (setting !== undefined) await client.query(`ALTER DATABASE ${database} SET ${setting}`);
    await client.end();
    const { server, port } = await pooler(Number(direct.port), kind);
    servers.push(server);
    const url = new URL(direct.href);
    url.host = `127.0.0.1:${port}`;
    url.pathname = `/${database}`;
    const transporter = postgres({ connectionString: url.href, schema });
    opened.push(transporter);
    return transporter;
  }

  it.each([
    ["isolation_dropped", "default_transaction_isolation = 'serializable'", "default_transaction_isolation"],
    ["sync_dropped", "synchronous_commit = off", "synchronous_commit"],
  ])(
    "L3 L11 %s: a startup parameter that was dropped is noticed at start, with the setting and the way out",
    async (...given) => {
      const [database, setting, named] = given;
      const store = await behind({ options: "drop", deaf: false }, database, { setting });
      const refusal = expect(store.start()).rejects;
      await refusal.toMatchObject({ code: "store_unsupported" });
      await expect(store.start()).rejects.toThrow(new RegExp(`${named} is .*pooler.*ALTER ROLE .* SET ${named}`));
      await expect(store.promote(1)).rejects.toMatchObject({ code: "store_stopped" });
    },
  );

  it("L11 a pooler that refuses the startup parameter is named, with the way out", async () => {
    const store = await behind({ options: "refuse", deaf: false }, "refused", { setting: "synchronous_commit = off" });
    await expect(store.start()).rejects.toMatchObject({ code: "store_unsupported" });
    await expect(store.start()).rejects.toThrow(/unsupported startup parameter: options.*ALTER ROLE/);
  });

  it("L2 where LISTEN does not work a manager says so once, and finds by polling what others enqueue", async () => {
    const schema = test.freshSchema();
    const deaf = await behind({ options: "pass", deaf: true }, "plain", { schema });
    const hearing = await behind({ options: "pass", deaf: false }, "plain", { schema });
    const events: ManagerEvent[] = [];
    const work = defineJob("work", { run: () => "done" });
    const log = (event: ManagerEvent): void => void events.push(event);
    const worker = new JobManager({ transporter: deaf, jobs: [work], poll: 200, log });
    const client = new JobManager({ transporter: hearing, poll: 200, log });
    const managers = [worker, client];
    for (const manager of managers) await manager.start();
    const silent = (): ManagerEvent[] => events.filter(({ event }) => event === "store.deaf");
    await expect.poll(silent, { timeout: 20_000 }).toEqual([{ event: "store.deaf", manager: worker.id, pollMs: 200 }]);
    const { id } = await client.enqueue(work);
    expect(await client.result(work, id)).toBe("done");
    for (const manager of managers) await manager.stop();
    expect(silent()).toHaveLength(1);
  });
});
