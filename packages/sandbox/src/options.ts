import type { FaultSpec } from "./api/fault-spec.ts";
import { type CallKind, REALISTIC_LATENCY } from "./api/call-kind.ts";
import { type Clock, systemClock } from "./clock/clock.ts";
import type { RangeMs } from "./clock/random.ts";
import { SandboxError } from "./errors.ts";
import type { PopulateRequest } from "./instances/population.ts";

/** Everything about a sandbox that can be chosen; only `tokens` must be. */
export interface SandboxOptions {
  /** Bearer tokens that are let in; at least one. */
  tokens: readonly string[];
  /** `127.0.0.1` by default. */
  host?: string;
  /** 0, the default, takes a free one. */
  port?: number;
  /** Keeps the account across restarts; memory only when absent. */
  stateFile?: string;
  /** No latency, boots in some 20 ms, quick retries of callbacks: for tests. What is set beside it wins. */
  fast?: boolean;
  /** Latency of calls in ms, by kind; `realistic` by default, kinds left out stay realistic. */
  latency?: "realistic" | "none" | Partial<Record<CallKind, RangeMs>>;
  /** From an accepted create to `ready`, in ms: 2,000–4,000 by default. */
  bootMs?: number | RangeMs;
  /** Linode's rate limits: on by default, `false` for none, `{ scale: 50 }` for fifty times as much. */
  rateLimits?: boolean | { scale: number };
  /** Wait between tries of a callback in ms: doubles from the first to the second, 1,000–15,000 by default. */
  callbackRetryMs?: RangeMs;
  /** Callbacks under way at once: 64 by default. */
  callbackConcurrency?: number;
  /** Instances the account may have: 200,000 by default. */
  instanceLimit?: number;
  /** Set from the start, as `POST /sandbox/faults` would. */
  faults?: readonly FaultSpec[];
  /** Instances that are there from the start of an empty account, as `POST /sandbox/populate` would make them. */
  populate?: PopulateRequest;
  /** How far the account's clock is ahead of the client's (ms), behind when negative: 0 by default. */
  clockOffsetMs?: number;
  /** Of all randomness: the same seed gives the same latencies and faults. */
  seed?: number;
  clock?: Clock;
}

/** The options with every default filled in. */
export interface SandboxSettings {
  tokens: readonly string[];
  host: string;
  port: number;
  stateFile: string | undefined;
  latency: Readonly<Record<CallKind, RangeMs>>;
  bootMs: RangeMs;
  rateLimitScale: number | undefined;
  callbackRetryMs: RangeMs;
  callbackConcurrency: number;
  instanceLimit: number;
  faults: readonly FaultSpec[];
  populate: PopulateRequest | undefined;
  clockOffsetMs: number;
  seed: number;
  clock: Clock;
}

/** Checks and completes options. Throws `sandbox_option_invalid` with the value and what is taken. */
export function settingsOf(options: SandboxOptions): SandboxSettings {
  const fast = options.fast ?? false;
  if (options.tokens.length === 0 || options.tokens.some((token) => !/^[\x21-\x7e]{1,200}$/.test(token))) {
    // The value is a secret: it is not shown.
    throw invalid("tokens: at least one, of 1-200 printable ASCII characters without spaces");
  }
  return {
    tokens: options.tokens,
    host: options.host ?? "127.0.0.1",
    port: integer("port", options.port ?? 0, 0, 65_535),
    stateFile: options.stateFile,
    latency: latencyOf(options.latency ?? (fast ? "none" : "realistic")),
    bootMs: range("bootMs", options.bootMs ?? (fast ? [15, 25] : [2_000, 4_000])),
    rateLimitScale: scaleOf(options.rateLimits ?? true),
    callbackRetryMs: range("callbackRetryMs", options.callbackRetryMs ?? (fast ? [20, 500] : [1_000, 15_000])),
    callbackConcurrency: integer("callbackConcurrency", options.callbackConcurrency ?? 64, 1, 1_000),
    instanceLimit: integer("instanceLimit", options.instanceLimit ?? 200_000, 0, 1_000_000),
    faults: options.faults ?? [],
    populate: options.populate,
    clockOffsetMs: readClockOffsetMs(options.clockOffsetMs ?? 0),
    seed: integer("seed", options.seed ?? 1, 0, 0xffff_ffff),
    clock: options.clock ?? systemClock,
  };
}

const OFFSET_MS_MAX = 10 * 365 * 86_400_000;

/** How far the account's clock is ahead, in ms. Throws `sandbox_option_invalid`. */
export function readClockOffsetMs(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= OFFSET_MS_MAX) return value;
  throw invalid(`clock offset ${JSON.stringify(value)}: use whole milliseconds, ten years at most`);
}

const NO_WAIT: RangeMs = [0, 0];

function latencyOf(latency: NonNullable<SandboxOptions["latency"]>): Readonly<Record<CallKind, RangeMs>> {
  if (latency === "realistic") return REALISTIC_LATENCY;
  const of = (kind: CallKind): RangeMs =>
    latency === "none" ? NO_WAIT : range(`latency.${kind}`, latency[kind] ?? REALISTIC_LATENCY[kind]);
  return {
    create: of("create"),
    get: of("get"),
    list: of("list"),
    list_images: of("list_images"),
    signal: of("signal"),
    update: of("update"),
    delete: of("delete"),
  };
}

function scaleOf(rateLimits: boolean | { scale: number }): number | undefined {
  if (typeof rateLimits === "boolean") return rateLimits ? 1 : undefined;
  if (rateLimits.scale > 0 && rateLimits.scale <= 1_000_000) return rateLimits.scale;
  throw invalid(`rateLimits.scale ${rateLimits.scale}: use a number above 0`);
}

function range(name: string, value: number | RangeMs): RangeMs {
  const [minMs, maxMs] = typeof value === "number" ? [value, value] : value;
  if (minMs >= 0 && maxMs >= minMs && maxMs <= 86_400_000) return [minMs, maxMs];
  throw invalid(`${name} ${minMs}-${maxMs}: use milliseconds, the lower bound first, at most a day`);
}

function integer(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalid(`${name} ${value}: use a whole number from ${min} to ${max}`);
}

function invalid(what: string): SandboxError {
  return new SandboxError("sandbox_option_invalid", what);
}
