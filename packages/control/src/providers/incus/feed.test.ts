import { describe, expect, test } from "vitest";
import type { IncusApi } from "./api.ts";
import { IncusFeed } from "./feed.ts";

/** A daemon's stream in the test's hand. */
function stream() {
  const streams: { say: (text: string) => void; socket: { readyState: number; OPEN: number; close(): void } }[] = [];
  const api = {
    stream(onMessage: (text: string) => void) {
      const socket = { readyState: 1, OPEN: 1, close: () => (socket.readyState = 3) };
      streams.push({ say: onMessage, socket });
      return Promise.resolve(socket);
    },
  };
  return { feed: new IncusFeed(api as unknown as IncusApi), streams };
}

function message(action: string, source = "/1.0/instances/web-1", more: object = {}): string {
  return JSON.stringify({
    type: "lifecycle",
    timestamp: "2026-11-21T10:00:00Z",
    metadata: { action, source },
    ...more,
  });
}

describe("Incus' events", () => {
  test("C10: each action has its word; what is of no instance, and what cannot be read, is left out", async () => {
    const { feed, streams } = stream();
    const { cursor } = await feed.read(undefined, {});
    const say = streams[0]!.say;
    const actions = ["created", "started", "restarted", "shutdown", "updated", "restored", "deleted"];
    for (const action of actions) say(message(`instance-${action}`));
    say(message("container-started", "/1.0/instances/old?project=p"));
    say(message("instance-snapshot-created", "/1.0/instances/web-2/snapshots/one"));
    say(message("image-created", "/1.0/images/abc"));
    say(message("instance-started", "/1.0/instances/web-1", { type: "logging" }));
    say("no JSON");
    const { events } = await feed.read(cursor, {});
    expect(events.map(({ instanceId, kind }) => `${instanceId} ${kind}`)).toEqual([
      "web-1 created",
      "web-1 booted",
      "web-1 rebooted",
      "web-1 stopped",
      "web-1 changed",
      "web-1 backup",
      "web-1 destroyed",
      "old booted",
      "web-2 backup",
    ]);
    expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id).toSorted());
  });

  test("C10: pages are cut, and the same cursor reads the same again", async () => {
    const { feed, streams } = stream();
    const { cursor } = await feed.read(undefined, {});
    for (let at = 0; at < 501; at += 1) streams[0]!.say(message("instance-started", `/1.0/instances/i${at}`));
    const first = await feed.read(cursor, {});
    expect(first).toMatchObject({ events: { length: 500 }, more: true, gap: false });
    expect(await feed.read(cursor, {})).toEqual(first);
    const rest = await feed.read(first.cursor, {});
    expect(rest).toMatchObject({ events: [{ instanceId: "i500" }], more: false, gap: false });
    expect((await feed.read(rest.cursor, {})).cursor).toBe(rest.cursor);
  });

  test("C10: a lost connection, and more than is kept, are a gap: only a sweep can tell", async () => {
    const { feed, streams } = stream();
    const { cursor } = await feed.read(undefined, {});
    streams[0]!.socket.readyState = 3;
    const again = await feed.read(cursor, {});
    expect(again).toMatchObject({ events: [], gap: true });
    expect(streams).toHaveLength(2);
    streams[0]!.say(message("instance-started"));
    streams[1]!.say(message("instance-stopped"));
    expect(await feed.read(again.cursor, {})).toMatchObject({ events: [{ kind: "stopped" }], gap: false });
    for (let at = 0; at < 10_001; at += 1) streams[1]!.say(message("instance-started"));
    expect(await feed.read(again.cursor, {})).toMatchObject({ more: true, gap: true });
  });

  test("C10: looks at once share one connection; a cursor of elsewhere is refused", async () => {
    const { feed, streams } = stream();
    await Promise.all([feed.read(undefined, {}), feed.read(undefined, {})]);
    expect(streams).toHaveLength(1);
    await expect(feed.read("17", {})).rejects.toMatchObject({ code: "provider_rejected", effect: "none" });
  });
});
