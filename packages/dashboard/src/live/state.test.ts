import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { initialLive, reconnectDelayMs, reduceLive, type LiveInput, type LiveState } from "./state.ts";

const after = (...inputs: LiveInput[]): LiveState =>
  inputs.reduce((state, input, index) => reduceLive(state, input, index + 1), initialLive(0));
const ready: LiveInput = { type: "ready" };
const caughtUp: LiveInput = { type: "caught-up" };
const lost: LiveInput = { type: "lost" };

describe("the page's stream", () => {
  test("is live once what may have been missed before it stood is read", () => {
    expect(after(ready).phase).toBe("catching-up");
    expect(after(ready, caughtUp)).toMatchObject({ phase: "live", gap: false });
  });

  test("a lost line reconnects, and catches up before it calls itself live", () => {
    expect(after(ready, caughtUp, lost)).toMatchObject({ phase: "reconnecting", gap: true, failures: 1 });
    expect(after(ready, caughtUp, lost, lost).failures).toBe(2);
    expect(after(ready, caughtUp, lost, ready).phase).toBe("catching-up");
    expect(after(ready, caughtUp, lost, ready, caughtUp)).toMatchObject({ phase: "live", failures: 0 });
  });

  test("goes on from the last id that was seen", () => {
    expect(after(ready, { type: "event", id: "41" }, { type: "event", id: undefined }, lost).lastId).toBe("41");
  });

  test("a reset is a gap though the line holds", () => {
    expect(after(ready, caughtUp, { type: "reset" })).toMatchObject({ phase: "catching-up", gap: true });
  });

  test("paused is paused: nothing but a resume ends it", () => {
    const inputs = fc.constantFrom<LiveInput>(ready, caughtUp, lost, { type: "reset" }, { type: "event", id: "1" });
    fc.assert(
      fc.property(fc.array(inputs), (meanwhile) => {
        expect(after(ready, caughtUp, { type: "pause" }, ...meanwhile).phase).toBe("paused");
      }),
    );
    expect(after(ready, caughtUp, { type: "pause" }, { type: "resume" }, ready).phase).toBe("catching-up");
  });

  test("it never calls itself live while something may be missing", () => {
    const inputs = fc.constantFrom<LiveInput["type"]>("ready", "reset", "caught-up", "lost", "pause", "resume");
    fc.assert(
      fc.property(fc.array(inputs, { maxLength: 30 }), (types) => {
        const state = after(...types.map((type): LiveInput => ({ type }) as LiveInput));
        if (state.phase === "live") expect(state.gap).toBe(false);
      }),
    );
  });

  test("how long a phase lasts is counted from its beginning", () => {
    expect(after(ready, caughtUp, lost).since).toBe(3);
    expect(after(ready, caughtUp, lost, lost).since).toBe(3);
  });
});

test("waits grow to 15 s, and no two pages wait alike", () => {
  expect(reconnectDelayMs(1, 0)).toBe(250);
  expect(reconnectDelayMs(1, 1)).toBe(500);
  expect(reconnectDelayMs(4, 1)).toBe(4_000);
  expect(reconnectDelayMs(50, 1)).toBe(15_000);
});
