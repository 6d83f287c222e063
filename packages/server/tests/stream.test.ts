import {
  fleetChangeSchema,
  imageChangeSchema,
  instanceChangeSchema,
  providerChangeSchema,
  streamMarkSchema,
  type FleetView,
  type InstanceChange,
} from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Running } from "./running.ts";
import { SseReader } from "./sse.ts";

let running: Running;
beforeAll(async () => {
  running = await Running.start();
});
afterAll(() => running.stop());

async function watching(headers: Record<string, string> = {}, query = ""): Promise<SseReader> {
  const response = await running.call("GET", `/v1/stream${query}`, undefined, headers);
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const reader = new SseReader(response);
  await reader.until((messages) => messages.some(({ event }) => event === "ready"));
  return reader;
}

async function deploy(name: string, body: object = {}): Promise<void> {
  const answer = await running.call("POST", "/v1/instances", { name, provider: "sandbox", ...body });
  expect(answer.status).toBe(202);
}

function has(reader: SseReader, name: string, kind: string): boolean {
  return reader.of<InstanceChange>("instance").some((each) => each.name === name && each.kind === kind);
}

/** What the store knows, of all instances. */
async function allEvents(): Promise<number[]> {
  const changes = await running.server.control.live.after(0, 100_000);
  return changes.map(({ seq }) => seq);
}

describe("GET /v1/stream", () => {
  test("C14: one connection tells of all instances, each event with the instance as it stands; the id is a mark", async () => {
    const page = await watching();
    expect(streamMarkSchema.parse(page.messages[0]?.data)).toMatchObject({ resumed: false });
    await Promise.all([deploy("live-1", { tags: ["blue"] }), deploy("live-2")]);
    await page.until(() => has(page, "live-1", "provisioned") && has(page, "live-2", "provisioned"));
    const changes = z.array(instanceChangeSchema).parse(page.of("instance"));
    expect(changes.find(({ kind, name }) => kind === "provisioned" && name === "live-1")).toMatchObject({
      status: "provisioned",
      tags: ["blue"],
    });
    const marks = page.messages.flatMap(({ id }) => (id === undefined ? [] : [id]));
    expect(marks).toEqual(marks.toSorted((a, b) => a - b));
    expect(JSON.stringify(page.messages)).not.toContain('"log"');
    await page.cut();
  });

  test("C14: a cut connection goes on from its last id and loses nothing, also when it was cut in the middle and many watch", async () => {
    const pages = await Promise.all([watching(), watching(), watching()]);
    const before = new Set(await allEvents());
    await deploy("cut-1");
    const [cut] = pages;
    await cut?.until(() => has(cut, "cut-1", "requested"));
    await cut?.cut();
    await Promise.all([deploy("cut-2"), deploy("cut-3")]);
    const [, other, another] = pages;
    await other?.until(() => ["cut-1", "cut-2", "cut-3"].every((name) => has(other, name, "provisioned")));
    await another?.until(() => ["cut-1", "cut-2", "cut-3"].every((name) => has(another, name, "provisioned")));
    for (const again of [
      await watching({ "last-event-id": String(cut?.lastId) }),
      await watching({}, `?after=${cut?.lastId}`),
    ]) {
      expect(again.messages[0]?.data).toMatchObject({ resumed: true });
      await again.until(() => has(again, "cut-2", "provisioned") && has(again, "cut-3", "provisioned"));
      const got = new Set(
        [...(cut?.of<InstanceChange>("instance") ?? []), ...again.of<InstanceChange>("instance")].map(({ seq }) => seq),
      );
      const wanted = (await allEvents()).filter((seq) => !before.has(seq));
      expect(wanted.filter((seq) => !got.has(seq))).toEqual([]);
      await again.cut();
    }
    await other?.cut();
    await another?.cut();
  });

  test("C14: over a restart of the server nothing is lost; what was changed while nobody listened is told", async () => {
    const page = await watching();
    await deploy("kept-1");
    await page.until(() => has(page, "kept-1", "provisioned"));
    await running.restart();
    await page.ended();
    await running.call("POST", "/v1/instances/kept-1/protect");
    const again = await watching({ "last-event-id": String(page.lastId) });
    expect(again.messages[0]?.data).toMatchObject({ resumed: true });
    await again.until(() => has(again, "kept-1", "protected"));
    const got = new Set(
      [...page.of<InstanceChange>("instance"), ...again.of<InstanceChange>("instance")].map(({ seq }) => seq),
    );
    const [first = 0] = [...got].toSorted((a, b) => a - b);
    expect((await allEvents()).filter((seq) => seq >= first && !got.has(seq))).toEqual([]);
    await again.cut();
  });

  test("a mark that this store never gave, and one that too much lies behind, begin anew", async () => {
    const page = await watching({ "last-event-id": "999999999" });
    await page.until((messages) => messages.length > 1);
    expect(page.messages.map(({ event }) => event)).toEqual(["ready", "reset"]);
    expect(page.lastId).toBeLessThan(999_999_999);
    await page.cut();
    const wrong = await running.call("GET", "/v1/stream", undefined, { "last-event-id": "last" });
    expect(wrong.status).toBe(400);
  });

  test("a fleet command's progress, a bake, and a provider that fails come on the same connection", async () => {
    const page = await watching();
    const filter = { action: "protect", filter: "name:live-*" };
    const { count } = (await (await running.call("POST", "/v1/fleets/preview", filter)).json()) as { count: number };
    await running.call("POST", "/v1/fleets", { ...filter, count });
    await page.until(() => page.of<FleetView>("fleet").some(({ endedAt }) => endedAt !== undefined));
    const fleets = z.array(fleetChangeSchema).parse(page.of("fleet"));
    expect(fleets.at(-1)).toMatchObject({ status: "done", total: count, members: { pending: 0, running: 0 } });
    await running.call("POST", "/v1/images", { name: "baked-1", provider: "sandbox" });
    // On a slow machine the bake is over before the first look.
    const images = () => z.array(imageChangeSchema).parse(page.of("image"));
    await page.until(() => images().some(({ name, status }) => name === "baked-1" && status === "available"));
    await running.server.control.providers.upsert({
      name: "second",
      driver: "linode",
      endpoint: running.sandbox.url,
      token: "sandbox-token",
    });
    await page.until(() => page.of("provider").length > 0);
    expect(z.array(providerChangeSchema).parse(page.of("provider"))).toEqual([
      { name: "second", circuits: [], braked: false },
    ]);
    await page.cut();
  });

  test("C15: a stream ends soon after its token is revoked, and its session signed out", async () => {
    await running.stop();
    running = await Running.start();
    const { token } = (await (
      await running.call("POST", "/v1/tokens", { name: "watcher", role: "viewer" })
    ).json()) as { token: string };
    const page = await watching({ authorization: `Bearer ${token}` });
    await running.call("DELETE", "/v1/tokens/watcher");
    await page.ended();
    expect((await running.call("GET", "/v1/stream", undefined, { authorization: `Bearer ${token}` })).status).toBe(401);
  });

  test("the server's stop ends the streams", async () => {
    const page = await watching();
    await running.server.stop();
    await page.ended();
  });
});
