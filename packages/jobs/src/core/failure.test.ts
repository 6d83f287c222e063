import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JobsError } from "./errors.ts";
import { failureOf, keptText } from "./failure.ts";
import { limits } from "./limits.ts";

describe("L10 errors are kept", () => {
  test("an error with its own code, stack and details", () => {
    const thrown = Object.assign(new JobsError("invalid_input", "no name"), { details: { step: 3 } });
    const failure = failureOf(thrown);
    expect(failure).toMatchObject({ code: "invalid_input", message: "no name", details: { step: 3 } });
    expect(failure.stack).toContain("JobsError");
  });

  test.each([
    ["text", "text"],
    [undefined, "a thrown undefined, not an Error"],
    [null, "a thrown null, not an Error"],
    [42, "a thrown number, not an Error"],
    [Symbol("s"), "a thrown symbol, not an Error"],
    [{}, "a thrown object, not an Error"],
    [{ message: "plain" }, "plain"],
    [new Error(""), "an error without a message"],
  ])("a thrown %s becomes a failure", (thrown, message) => {
    const failure = failureOf(thrown);
    expect(failure.code).toBe("handler_failed");
    expect(failure.message).toContain(message);
  });

  test("getters that throw, circular and oversized details, codes that are none", () => {
    const hostile = {
      get message(): string {
        throw new TypeError("getter");
      },
      get stack(): string {
        throw new TypeError("getter");
      },
    };
    expect(failureOf(hostile).message).toContain("a thrown object");
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    expect(failureOf({ message: "m", details: circular })).not.toHaveProperty("details");
    expect(failureOf({ message: "m", details: "x".repeat(limits.failureBytesMax) }).details).toEqual({
      droppedBytes: limits.failureBytesMax + 2,
    });
    expect(failureOf({ message: "m", code: 7 }).code).toBe("handler_failed");
    expect(failureOf({ message: "m", code: "no spaces please" }).code).toBe("handler_failed");
  });

  test("kept text fits its limit, is whole UTF-8 and holds no NUL, whatever it was", () => {
    expect(keptText("a\0b")).toBe("a\uFFFDb");
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.nat(60), (text, times) => {
        const kept = keptText(text.repeat(times));
        expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(limits.failureBytesMax);
        expect(kept.isWellFormed()).toBe(true);
        expect(kept).not.toContain("\0");
      }),
      { numRuns: 50 },
    );
  });
});
