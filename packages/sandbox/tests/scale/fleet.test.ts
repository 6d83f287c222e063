import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LinodeClient, TOKEN } from "../linode-client.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const INSTANCES = "/v4/linode/instances";
const FLEET = 100_000;
const RSS_MB_MAX = 500;

let child: ChildProcess;
let linode: LinodeClient;

beforeAll(async () => {
  const started = spawn(process.execPath, [MAIN, "--fast", "--no-rate-limits"], {
    env: { ...process.env, PROVOST_SANDBOX_TOKEN: TOKEN },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child = started;
  const [line] = await once(started.stdout, "data");
  linode = new LinodeClient(JSON.parse(String(line)).url);
});

afterAll(async () => {
  child.kill("SIGTERM");
  await once(child, "exit");
});

/** The most that the process has ever held, in MB. */
function peakRssMb(): number {
  const text = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+)/.exec(text)?.[1]) / 1_024;
}

describe("100,000 instances in one process (C10, C16)", () => {
  test("are made at once", async () => {
    const made = await linode.post("/sandbox/populate", { count: FLEET, tags: ["provost:d-1", "provost-instance:x"] });
    expect(made.body).toMatchObject({ created: FLEET });
  });

  test("are all read, each once, by a keyset of 200 pages, also while others vanish", async () => {
    const seen = new Set<number>();
    let pages = 0;
    const tookMs: number[] = [];
    for (let last = 0, left = 1; left > 0; pages++) {
      const from = performance.now();
      const { body } = await linode.get(`${INSTANCES}?page_size=500`, { id: { "+gt": last }, "+order_by": "id" });
      tookMs.push(performance.now() - from);
      for (const { id } of body.data) seen.add(id);
      last = body.data.at(-1)?.id ?? last;
      left = body.results - body.data.length;
      if (pages % 50 === 10) await linode.post("/sandbox/vanish", { ids: [...seen].slice(0, 100) });
    }
    expect(seen.size).toBe(FLEET);
    expect(pages).toBe(200);
    const [median, slowest] = [tookMs.toSorted((a, b) => a - b)[100], Math.max(...tookMs)];
    process.stderr.write(`a page of 500 of ${FLEET}: ${median?.toFixed(1)} ms, ${slowest.toFixed(1)} at the slowest\n`);
  });

  test("a page by number, one that is filtered, and the last of the feed", async () => {
    expect((await linode.get(`${INSTANCES}?page_size=500&page=150`)).body.data).toHaveLength(500);
    expect((await linode.get(`${INSTANCES}?page_size=500`, { label: { "+contains": "7777" } })).body.results).toBe(
      Array.from({ length: FLEET }, (_, n) => String(60_000_001 + n)).filter((id) => id.includes("7777")).length,
    );
  });

  test("500 reboot at once, and tell of it", async () => {
    const { body } = await linode.get(`${INSTANCES}?page_size=500&page=199`);
    const ids: number[] = body.data.map(({ id }: { id: number }) => id);
    await Promise.all(ids.map((id) => linode.post(`${INSTANCES}/${id}/reboot`)));
    const feed = await linode.get("/v4/account/events?page_size=500", { action: "linode_reboot" });
    expect(feed.body.results).toBe(ids.length);
  });

  test.skipIf(process.platform !== "linux")(`held at most ${RSS_MB_MAX} MB at any moment`, () => {
    const peakMb = peakRssMb();
    process.stderr.write(`peak RSS with ${FLEET} instances: ${peakMb.toFixed(0)} MB\n`);
    expect(peakMb).toBeLessThan(RSS_MB_MAX);
  });
});
