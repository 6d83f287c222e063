import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { Interrupts } from "../src/interrupts.ts";

test("one press may arrive several times; a second press ends the process at once", () => {
  let now = 1_000;
  const exits: number[] = [];
  const interrupts = new Interrupts(
    new EventEmitter(),
    () => now,
    (code) => exits.push(code),
  );
  interrupts.arrive("SIGINT");
  now += 10;
  interrupts.arrive("SIGINT");
  now += Interrupts.onePressMs - 20;
  interrupts.arrive("SIGINT");
  expect(interrupts.signal.aborted).toBe(true);
  expect(exits).toEqual([]);
  now += 100;
  interrupts.arrive("SIGINT");
  expect(exits).toEqual([130]);
});

test("a terminated process, or one whose starter is gone, ends in good order", () => {
  const process = Object.assign(new EventEmitter(), { channel: undefined });
  const interrupts = new Interrupts(process, () => 0);
  process.emit("disconnect");
  expect(interrupts.signal).toMatchObject({ aborted: true, reason: "SIGHUP" });
});
