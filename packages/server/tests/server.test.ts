import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { postgresMissing, startThrowawayPostgres } from "@provost/jobs/testing/postgres";
import { close, listen } from "./loopback.ts";
import { readConfig, Server } from "../src/index.ts";

let data: string;
const servers: Server[] = [];
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "provost-server-"));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  rmSync(data, { recursive: true, force: true });
});

function serverWith(env: Record<string, string>): Server {
  const server = new Server(readConfig({ PROVOST_DATA: data, PROVOST_PORT: "0", ...env }), { logTo: "file" });
  servers.push(server);
  return server;
}

describe("server", () => {
  test("start and stop are safe to call twice; the announcement comes and goes", async () => {
    const server = serverWith({});
    await Promise.all([server.start(), server.start()]);
    const { url } = server;
    const info: unknown = JSON.parse(readFileSync(join(data, "server.json"), "utf8"));
    expect(info).toEqual({ url, pid: process.pid });
    await Promise.all([server.stop(), server.stop()]);
    expect(existsSync(join(data, "server.json"))).toBe(false);
    await expect(fetch(`${url}/v1/health`)).rejects.toThrow();
  });

  test("the port of the last run is taken again, so that instances reach a restarted server", async () => {
    const first = serverWith({});
    await first.start();
    const { url } = first;
    await first.stop();
    const second = serverWith({ PROVOST_PORT: "" });
    await second.start();
    expect(second.url).toBe(url);
  });

  test("issue 2, line 8: a port that was asked for and is taken is refused, and nothing is half-made", async () => {
    const other = createServer();
    const port = await listen(other);
    const server = serverWith({ PROVOST_PORT: String(port) });
    await expect(server.start()).rejects.toMatchObject({
      code: "port_in_use",
      message: expect.stringContaining(String(port)),
    });
    expect(existsSync(join(data, "provost.db"))).toBe(false);
    const again = serverWith({});
    await again.start();
    await close(other);
  });

  test("C6 the callback listener serves callbacks and health, and nothing of the API", async () => {
    const probe = createServer();
    const port = await listen(probe);
    await close(probe);
    const server = serverWith({ PROVOST_CALLBACK_LISTEN: `127.0.0.1:${port}` });
    await server.start();
    const status = async (path: string, method = "GET"): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}${path}`, { method })).status;
    expect(await status("/v1/health")).toBe(200);
    expect(await status("/v1/callbacks/in_1", "POST")).toBe(401);
    expect(await status("/v1/instances")).toBe(404);
    expect(await status("/v1/openapi.json")).toBe(404);
  });

  const missing = postgresMissing();
  test.skipIf(missing !== undefined)(
    "the store on PostgreSQL; a wrong password, database or host is told without the password",
    async () => {
      const postgres = await startThrowawayPostgres();
      try {
        const server = serverWith({ PROVOST_DATABASE: postgres.url });
        await server.start();
        expect((await fetch(`${server.url}/v1/health`)).status).toBe(200);
        await server.stop();
        const url = new URL(postgres.url);
        const right = url.password;
        url.password = "wrong-secret";
        await expect(serverWith({ PROVOST_DATABASE: url.href }).start()).rejects.toMatchObject({
          code: "database_unusable",
          message: expect.stringContaining("the password is not accepted"),
        });
        await expect(serverWith({ PROVOST_DATABASE: url.href }).start()).rejects.not.toThrow(/wrong-secret/);
        url.password = right;
        url.pathname = "/nothing_here";
        await expect(serverWith({ PROVOST_DATABASE: url.href }).start()).rejects.toThrow(/does not exist.*createdb/);
      } finally {
        await postgres.stop();
      }
    },
  );
});
