import { createServer, type Server } from "node:http";
import type { InstanceChange, Role } from "@provost/contract";
import type { ChangeTail, ControlSurface, WatchedTopic } from "@provost/control";
import { afterEach, describe, expect, test, vi } from "vitest";
import { streamTimes } from "../src/http/event-stream.ts";
import { backlogMax, StreamHub } from "../src/http/stream/hub.ts";
import { Ring } from "../src/http/stream/ring.ts";
import { Watcher } from "../src/http/stream/watcher.ts";
import { listen } from "./loopback.ts";
import { SseReader } from "./sse.ts";

function change(seq: number): InstanceChange {
  return {
    seq,
    instanceId: `in_${seq}`,
    kind: "note",
    at: "2026-01-01T00:00:00.000Z",
    message: "Something has changed, and this says what",
    name: `web-${seq}`,
    status: "running",
    desired: "running",
    type: "g6-nanode-1",
    ipv4: ["192.0.2.1"],
    ipv6: [],
    protected: false,
    tags: [],
  };
}

/** What the store has, and how often it was asked. */
class Store {
  readonly all: InstanceChange[] = [];
  reads = 0;
  things = new Map<string, object>();
  readonly topics: WatchedTopic[] = [
    { name: "image", role: "viewer", read: async () => new Map(this.things) },
    { name: "delivery", role: "admin", read: async () => new Map(this.things) },
  ];

  readonly live: ControlSurface["live"] = {
    topics: this.topics,
    after: async (seq, limit) => this.all.filter((each) => each.seq > seq).slice(0, limit),
    tail: () => this.#tail(),
  };

  add(count: number): void {
    for (let each = 0; each < count; each += 1) this.all.push(change(this.all.length + 1));
  }

  #tail(): ChangeTail {
    let last = 0;
    return {
      get last() {
        return last;
      },
      get mark() {
        return last;
      },
      start: async () => {
        last = this.all.length;
      },
      read: async () => {
        this.reads += 1;
        const fresh = this.all.slice(last, last + 500);
        last += fresh.length;
        return fresh;
      },
    };
  }
}

let http: Server | undefined;
let hub: StreamHub;
afterEach(async () => {
  hub.close();
  http?.closeAllConnections();
  await new Promise((resolve) => http?.close(resolve));
});

const times = { ...streamTimes, flushMs: 20, hubPollMs: 60 };

/** Clients of a hub over that store: each joins as it asks. */
async function serving(store: Store): Promise<(role: Role, after?: number) => Promise<SseReader>> {
  hub = new StreamHub(store.live, times, () => {});
  http = createServer((request, response) => {
    const asked = new URL(request.url ?? "", "http://x").searchParams;
    const after = asked.get("after");
    response.write("retry: 1000\n\n");
    void hub.join(
      (next) => {
        const watcher = new Watcher(response, asked.get("role") as Role, next);
        response.once("close", () => hub.leave(watcher));
        return watcher;
      },
      after === null ? undefined : Number(after),
    );
  });
  const port = await listen(http);
  return async (role, after) => {
    const query = after === undefined ? "" : `&after=${after}`;
    return new SseReader(await fetch(`http://127.0.0.1:${port}/?role=${role}${query}`));
  };
}

function seqs(reader: SseReader): number[] {
  return reader.of<InstanceChange>("instance").map(({ seq }) => seq);
}

const counted = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe("the hub of the live stream", () => {
  test("a storm of ten thousand changes comes whole and in order, in no more messages than the pauses between them allow", async () => {
    const store = new Store();
    const join = await serving(store);
    const began = performance.now();
    const pages = await Promise.all([join("viewer"), join("viewer"), join("admin")]);
    await Promise.all(pages.map((page) => page.until(({ length }) => length > 0)));
    const storm = (async () => {
      for (let each = 0; each < 10_000; each += 1) {
        store.add(1);
        hub.hint();
        if (each % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await Promise.all(pages.map((page) => page.until(() => seqs(page).length >= 10_000)));
    await storm;
    const pauses = (performance.now() - began) / (times.flushMs - 1);
    for (const page of pages) {
      expect(seqs(page)).toEqual(counted(10_000));
      expect(page.messages.filter(({ event }) => event === "instance").length).toBeLessThan(pauses + 2);
    }
  });

  test("many clients cost the reads of one; nobody, none", async () => {
    const store = new Store();
    const join = await serving(store);
    const pages = await Promise.all(counted(50).map(() => join("viewer")));
    await Promise.all(pages.map((page) => page.until(({ length }) => length > 0)));
    store.add(3);
    const before = store.reads;
    await Promise.all(pages.map((page) => page.until(() => seqs(page).length === 3)));
    // Each look is two reads: what is there, and that there is no more.
    expect(store.reads - before).toBeLessThan(20);
    await Promise.all(pages.map((page) => page.cut()));
    await vi.waitFor(() => expect(hub.size).toBe(0));
    await new Promise((resolve) => setTimeout(resolve, times.hubPollMs * 2));
    const idle = store.reads;
    await new Promise((resolve) => setTimeout(resolve, times.hubPollMs * 5));
    expect(store.reads).toBe(idle);
  });

  test("what other servers have written comes with the next look, without a hint", async () => {
    const store = new Store();
    const page = await (await serving(store))("viewer");
    await page.until(({ length }) => length > 0);
    store.add(2);
    await page.until(() => seqs(page).length === 2);
    expect(page.lastId).toBe(2);
  });

  test("who is not too far behind is told all of it; who is, begins anew and hears what comes", async () => {
    const store = new Store();
    store.add(backlogMax + 100);
    const join = await serving(store);
    const near = await join("viewer", 100);
    await near.until(() => seqs(near).length === backlogMax);
    expect(near.messages[0]).toMatchObject({ event: "ready", id: 100, data: { resumed: true } });
    const far = await join("viewer", 99);
    await far.until(({ length }) => length > 1);
    expect(far.messages.map(({ event }) => event)).toEqual(["ready", "reset"]);
    store.add(1);
    hub.hint();
    await Promise.all([near, far].map((page) => page.until(() => seqs(page).includes(backlogMax + 101))));
    expect(seqs(far)).toEqual([backlogMax + 101]);
    expect(new Set(seqs(near)).size).toBe(backlogMax + 1);
  });

  test("a client that does not read holds nobody up, and is told to begin anew when too much has gone by", async () => {
    const store = new Store();
    const join = await serving(store);
    const [slow, quick] = [await join("viewer"), await join("viewer")];
    await Promise.all([slow, quick].map((page) => page.until(({ length }) => length > 0)));
    let total = 0;
    // More than its socket, its kernel and the ring hold.
    for (let round = 1; round <= 60; round += 1) {
      store.add(1_000);
      total += 1_000;
      hub.hint();
      await quick.until(() => quick.lastId === total);
    }
    expect(seqs(quick)).toEqual(counted(total));
    store.add(1);
    hub.hint();
    await slow.until((messages) => messages.some(({ event }) => event === "reset") || slow.lastId === total + 1);
    const got = seqs(slow);
    expect(got).toEqual(counted(got.length));
    const reset = slow.messages.find(({ event }) => event === "reset");
    expect(got.length < total ? reset?.id : total).toBeGreaterThanOrEqual(total);
  });

  test("C15: things as they stand are told when they change, and when they are gone; to whom may see them", async () => {
    const store = new Store();
    store.things.set("a", { id: "a", status: "old" });
    const join = await serving(store);
    const [viewer, admin] = [await join("viewer"), await join("admin")];
    await Promise.all([viewer, admin].map((page) => page.until(({ length }) => length > 0)));
    store.things = new Map([["b", { id: "b", status: "new" }]]);
    await admin.until(() => admin.of("delivery").length > 0);
    await viewer.until(() => viewer.of("image").length > 0);
    const news = [
      { id: "b", status: "new" },
      { id: "a", status: "old", gone: true },
    ];
    expect(viewer.of("image")).toEqual(news);
    expect(admin.of("delivery")).toEqual(news);
    store.things = new Map([["b", { id: "b", status: "newer" }]]);
    await viewer.until(() => viewer.of("image").length > 2);
    expect(viewer.of("delivery")).toEqual([]);
  });
});

describe("the ring", () => {
  test("L14: keeps the newest, and knows the mark of what it leaves out", () => {
    const ring = new Ring<{ seq: number }>(10);
    for (let seq = 6; seq < 100; seq += 1) ring.push([{ seq }], seq - 1);
    expect(ring.end).toBe(94);
    expect(ring.keeps(70)).toBe(false);
    expect(ring.from(90, 2)).toEqual({ items: [{ seq: 96 }, { seq: 97 }], mark: 97 });
    expect(ring.from(92, 9)).toEqual({ items: [{ seq: 98 }, { seq: 99 }], mark: undefined });
  });
});
