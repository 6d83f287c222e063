import { describe, expect, test } from "vitest";
import { ManualClock } from "../../tests/manual-clock.ts";
import { Random } from "../clock/random.ts";
import { LinodeApiError, SandboxError } from "../errors.ts";
import { Faults } from "./faults.ts";
import { RateLimiter } from "./rate-limiter.ts";

const CREATE = "/v4/linode/instances";

describe("faults on demand (C16)", () => {
  test("hit the next n calls that match method and path, then are gone", () => {
    const faults = new Faults(new Random(1), new ManualClock());
    faults.add({ kind: "lost_answer", method: "post", path: CREATE, times: 2 });
    expect(faults.takeCall("GET", CREATE)).toBeUndefined();
    expect(faults.takeCall("POST", `${CREATE}/5/boot`)).toBeUndefined();
    expect(faults.takeCall("POST", CREATE)?.kind).toBe("lost_answer");
    expect(faults.takeCall("POST", CREATE)?.kind).toBe("lost_answer");
    expect(faults.takeCall("POST", CREATE)).toBeUndefined();
    expect(faults.list()).toEqual([]);
  });

  test("* stands for one segment, ** for the rest, other signs for themselves", () => {
    const faults = new Faults(new Random(1), new ManualClock());
    faults.add({ kind: "error_before", path: "/v4/linode/instances/*", times: 9 });
    expect(faults.takeCall("GET", "/v4/linode/instances/1")).toBeDefined();
    expect(faults.takeCall("POST", "/v4/linode/instances/1/boot")).toBeUndefined();
    expect(faults.takeCall("GET", "/v4/linode/instances")).toBeUndefined();
    faults.clear();
    faults.add({ kind: "error_before", path: "/v4/images/linode/debian.12", times: 9 });
    expect(faults.takeCall("GET", "/v4/images/linode/debianX12")).toBeUndefined();
    faults.add({ kind: "error_before", path: "/v4/**", times: 9 });
    expect(faults.takeCall("POST", "/v4/linode/instances/1/boot")).toBeDefined();
  });

  test("a chance hits about as often as it says, and the same ones for the same seed", () => {
    const count = hits(5).replaceAll(".", "").length;
    expect(count).toBeGreaterThan(140);
    expect(count).toBeLessThan(260);
    expect(hits(5)).toBe(hits(5));
    expect(hits(5)).not.toBe(hits(6));
  });

  test.each<[string, unknown]>([
    ["no kind", { path: CREATE }],
    ["unknown kind", { kind: "meteor", path: CREATE }],
    ["an unknown action", { kind: "stuck", action: "linode_dance" }],
    ["an endless span", { kind: "maintenance", for_ms: 1e12 }],
    ["a relative path", { kind: "lost_answer", path: "v4" }],
    ["an unknown method", { kind: "lost_answer", path: CREATE, method: "STEAL" }],
    ["no hits", { kind: "lost_answer", path: CREATE, times: 0 }],
    ["a status that is no error", { kind: "error_before", path: CREATE, status: 200 }],
    ["more than certain", { kind: "error_before", path: CREATE, probability: 2 }],
    ["nothing", undefined],
  ])("%s is refused with the value", (_name, spec) => {
    expect(() => new Faults(new Random(1), new ManualClock()).add(spec)).toThrow(SandboxError);
  });

  test("without a path every call of the API is meant, without end when a span is given", () => {
    const clock = new ManualClock();
    const faults = new Faults(new Random(1), clock);
    faults.add({ kind: "maintenance", for_ms: 1_000 });
    for (let n = 0; n < 50; n++) expect(faults.takeCall("GET", "/v4/profile")?.kind).toBe("maintenance");
    expect(faults.takeCall("GET", "/sandbox/stats")).toBeUndefined();
    expect(faults.list()).toHaveLength(1);
    clock.advance(1_000);
    expect(faults.takeCall("GET", "/v4/profile")).toBeUndefined();
    expect(faults.list()).toEqual([]);
  });

  test("one of tasks hits no call; it is matched by action and label", () => {
    const faults = new Faults(new Random(1), new ManualClock());
    faults.add({ kind: "task_failed", action: "linode_resize", label_prefix: "web-" });
    expect(faults.takeCall("GET", CREATE)).toBeUndefined();
    expect(faults.takeTask("linode_resize", "db-1")).toBeUndefined();
    expect(faults.takeTask("linode_boot", "web-1")).toBeUndefined();
    expect(faults.takeTask("linode_resize", "web-1")?.kind).toBe("task_failed");
    expect(faults.takeTask("linode_resize", "web-1")).toBeUndefined();
  });

  test("one of calls hits no task, and `stuck` means boots where it says nothing else", () => {
    const faults = new Faults(new Random(1), new ManualClock());
    faults.add({ kind: "lost_answer", times: 9 });
    expect(faults.takeTask("linode_boot", "web-1")).toBeUndefined();
    faults.add({ kind: "stuck", times: 9 });
    expect(faults.takeTask("linode_shutdown", "web-1")).toBeUndefined();
    expect(faults.takeTask("linode_boot", "web-1")?.kind).toBe("stuck");
  });

  test("one of them is cleared by its id", () => {
    const faults = new Faults(new Random(1), new ManualClock());
    const { id } = faults.add({ kind: "rate_limit", path: CREATE });
    faults.add({ kind: "slow", path: CREATE });
    faults.clear(id);
    expect(faults.list().map(({ kind }) => kind)).toEqual(["slow"]);
  });

  test("at most 100 at once", () => {
    const faults = new Faults(new Random(1), new ManualClock());
    for (let n = 0; n < 100; n++) faults.add({ kind: "rate_limit", path: CREATE });
    expect(() => faults.add({ kind: "rate_limit", path: CREATE })).toThrow("100 faults already");
  });
});

describe("rate limits (C11, C16)", () => {
  test("20 creates in 15 s, then 429 with Retry-After until the window ends", () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter(clock, 1);
    for (let left = 19; left >= 0; left--) {
      expect(limiter.take("a", "create")).toMatchObject({
        "x-ratelimit-limit": "20",
        "x-ratelimit-remaining": String(left),
        "x-ratelimit-reset": String((clock.now() + 15_000) / 1_000),
      });
    }
    clock.advance(5_000);
    const refusal = catchError(() => limiter.take("a", "create"));
    expect(refusal).toBeInstanceOf(LinodeApiError);
    expect(refusal).toMatchObject({ httpStatus: 429, headers: { "retry-after": "10", "x-ratelimit-remaining": "0" } });
    clock.advance(10_000);
    expect(limiter.take("a", "create")["x-ratelimit-remaining"]).toBe("19");
  });

  test("each token and each bucket has its own; a scale multiplies", () => {
    const limiter = new RateLimiter(new ManualClock(), 1);
    for (let n = 0; n < 20; n++) limiter.take("a", "create");
    expect(() => limiter.take("a", "create")).toThrow("Too many requests");
    expect(limiter.take("b", "create")["x-ratelimit-remaining"]).toBe("19");
    expect(limiter.take("a", "list")["x-ratelimit-limit"]).toBe("200");
    expect(limiter.take("a", "list_images")["x-ratelimit-limit"]).toBe("20");
    expect(limiter.take("a", "get")["x-ratelimit-limit"]).toBe("1600");
    expect(limiter.take("a", "signal")["x-ratelimit-remaining"]).toBe("1598");
    expect(new RateLimiter(new ManualClock(), 50).take("a", "create")["x-ratelimit-limit"]).toBe("1000");
  });
});

/** Which of 2,000 creates a chance of a tenth hits. */
function hits(seed: number): string {
  const faults = new Faults(new Random(seed), new ManualClock());
  faults.add({ kind: "error_after", path: CREATE, times: 1_000_000, probability: 0.1 });
  return Array.from({ length: 2_000 }, () => (faults.takeCall("POST", CREATE) ? "x" : ".")).join("");
}

function catchError(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}
