import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SseParser } from "./sse-parser.ts";

const stream =
  ": still here\n\nretry: 1000\n\nevent: ready\nid: 7\ndata: {}\n\nevent: instance\nid: 8\ndata: [1,\ndata: 2]\n\n: hb\n\ndata: x\r\n\r\n";
const messages = [
  { id: "7", event: "ready", data: "{}" },
  { id: "8", event: "instance", data: "[1,\n2]" },
  { id: "8", event: "message", data: "x" },
];

test("messages with names, ids and several lines; comments give nothing", () => {
  expect(new SseParser().push(stream)).toEqual(messages);
});

test("it does not matter where the network cuts", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
      const parser = new SseParser();
      const at = [0, ...cuts.toSorted((one, other) => one - other), stream.length];
      const got = at.slice(1).flatMap((end, index) => parser.push(stream.slice(at[index], end)));
      expect(got).toEqual(messages);
    }),
  );
});
