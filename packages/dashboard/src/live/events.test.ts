import { describe, expect, test } from "vitest";
import { concerns, joinBatches, readEvents } from "./events.ts";

const message = (event: string, value: unknown) => ({ id: "1", event, data: JSON.stringify(value) });

describe("readEvents", () => {
  test.each([
    ["instance", { instanceId: "in_1", seq: 4, name: "web-1" }, "in_1"],
    ["fleet", { id: "fl_1" }, "fl_1"],
    ["orphan", { provider: "linode", providerId: "77", name: "x" }, "linode/77"],
    ["provider", { name: "linode", circuits: [] }, "linode"],
    ["delivery", { id: "de_1", instanceId: "in_1", webhookId: "wh_1" }, "de_1"],
  ])("%s is known by the key that the API has for it", (topic, value, id) => {
    expect(readEvents(message(topic, [value]))).toEqual([{ topic, id, value }]);
  });

  test("what cannot be read tells nothing", () => {
    expect(readEvents({ id: "1", event: "instance", data: "<html>" })).toEqual([]);
    expect(readEvents(message("instance", { instanceId: "in_1" }))).toEqual([]);
  });
});

describe("concerns", () => {
  const batch = { everything: false, events: [{ topic: "instance", id: "in_1", value: {} }] };

  test("a whole topic, or one thing of it", () => {
    expect(concerns(batch, ["instance"])).toBe(true);
    expect(concerns(batch, ["instance/in_1"])).toBe(true);
    expect(concerns(batch, ["instance/in_2", "fleet"])).toBe(false);
  });

  test("after a gap everyone who listens, and nobody else", () => {
    const gap = { everything: true, events: [] };
    expect(concerns(gap, ["fleet"])).toBe(true);
    expect(concerns(gap, [])).toBe(false);
  });
});

const of = (...ids: string[]) => ({
  everything: false,
  events: ids.map((id) => ({ topic: "instance", id, value: ids.length })),
});

describe("joinBatches", () => {
  test("each thing once, as it was told last", () => {
    expect(joinBatches(of("a", "b"), of("b")).events).toEqual([
      { topic: "instance", id: "a", value: 2 },
      { topic: "instance", id: "b", value: 1 },
    ]);
  });

  test("a gap in either is a gap, and so is more than can be told apart", () => {
    expect(joinBatches(of("a"), { everything: true, events: [] })).toEqual({ everything: true, events: [] });
    const many = of(...Array.from({ length: 1_001 }, (_, index) => String(index)));
    expect(joinBatches(of(), many)).toEqual({ everything: true, events: [] });
  });
});
