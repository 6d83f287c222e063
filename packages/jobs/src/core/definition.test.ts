import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, test } from "vitest";
import { defineJob, typed } from "./definition.ts";
import { validatedInput } from "./input.ts";
import { limits } from "./limits.ts";
import type { NewJob } from "../transporters/transporter.ts";
import { newJob } from "./prepare.ts";

const named: StandardSchemaV1<{ name: string }, { name: string; size: number }> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "object" && value !== null && "name" in value && typeof value.name === "string"
        ? { value: { name: value.name, size: 1 } }
        : { issues: [{ message: "expected text", path: ["name"] }] },
  },
};
const run = (): void => undefined;
const now = (): Promise<number> => Promise.resolve(1_000);

/** As `newJob`, whether it answers at once or later. */
async function prepared(...given: Parameters<typeof newJob>): Promise<NewJob> {
  return await newJob(...given);
}

describe("definitions", () => {
  test("defaults are those of LAWS.md", () => {
    expect(defineJob("a", { run })).toMatchObject({
      queue: "default",
      lane: "short",
      priority: 100,
      attempts: 30,
      timeoutMs: 60_000,
    });
    expect(defineJob("b", { lane: "long", run }).timeoutMs).toBe(6 * 3_600_000);
  });

  test.each<[string, () => unknown, string]>([
    ["an empty name", () => defineJob("", { run }), "has 0 bytes"],
    ["a long name", () => defineJob("ä".repeat(128), { run }), "has 256 bytes"],
    ["a NUL", () => defineJob("a\0", { run }), "holds a NUL"],
    ["no run", () => defineJob("a", wrong({})), "has no run()"],
    ["a priority", () => defineJob("a", { priority: 256, run }), "priority is 256: give a whole number from 0 to 255"],
    ["attempts", () => defineJob("a", { attempts: 0, run }), "attempts is 0"],
    ["a lane", () => defineJob("a", { lane: wrong("fast"), run }), 'lane is "fast"'],
    ["a timeout", () => defineJob("a", { timeout: 0, run }), "timeout is 0"],
    ["a schema", () => defineJob("a", { input: wrong({}), run }), "is no Standard Schema"],
  ])("%s out of bounds is refused with its value", (_, define, message) => {
    expect(define).toThrow(message);
  });
});

describe("enqueueing options and inputs", () => {
  const job = defineJob("named", { input: named, run });

  test("what is stored is the input as given; what the handler gets is what its schema makes of it", async () => {
    await expect(prepared(job.with({ name: "a" }), now)).resolves.toMatchObject({ input: '{"name":"a"}', delayMs: 0 });
    await expect(Promise.resolve(validatedInput(job, { name: "a" }))).resolves.toEqual({ name: "a", size: 1 });
  });

  test("wrong input says where, and never shows the value", async () => {
    const refused = prepared(job.with(wrong({ name: 5, password: "hunter2" })), now);
    await expect(refused).rejects.toMatchObject({
      code: "invalid_input",
      message: 'input of job "named" does not fit its schema: name: expected text',
    });
    await expect(prepared(defineJob("none", { run }).with(wrong({})), now)).rejects.toThrow("takes no input");
  });

  test("at becomes a delay by the store's clock; an instant that has passed is now", async () => {
    const input = { name: "a" };
    await expect(prepared(job.with(input, { at: new Date(61_000) }), now)).resolves.toMatchObject({ delayMs: 60_000 });
    await expect(prepared(job.with(input, { at: 5 }), now)).resolves.toMatchObject({ delayMs: 0 });
    await expect(prepared(job.with(input, { at: 5, after: 5 }), now)).rejects.toThrow("both after and at");
    await expect(prepared(job.with(input, { at: new Date("soon") }), now)).rejects.toThrow("at is Invalid Date");
    await expect(prepared(job.with(input, { at: 1e15 }), now)).rejects.toThrow("at most 366d ahead");
  });

  test("L14: payloads are bounded in bytes, not characters, and must be JSON", async () => {
    const text = defineJob("text", { input: typed<unknown>(), run });
    const fits = "ä".repeat((limits.payloadBytesMax - 2) / 2);
    await expect(prepared(text.with(fits), now)).resolves.toBeDefined();
    await expect(prepared(text.with(`${fits}a`), now)).rejects.toMatchObject({ code: "payload_too_large" });
    await expect(prepared(text.with(5n), now)).rejects.toMatchObject({ code: "invalid_input" });
    await expect(prepared(text.with(run), now)).rejects.toThrow("is a function, no JSON");
  });
});

/** What the compiler would refuse, as it can come from JavaScript. */
function wrong(value: unknown): any {
  return value;
}
