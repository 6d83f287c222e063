import type { FastifyInstance } from "fastify";
import { CallRunner } from "./api/call-runner.ts";
import { Faults, type FaultSpec, type FaultView } from "./api/faults.ts";
import { Latency } from "./api/latency.ts";
import { RateLimiter } from "./api/rate-limiter.ts";
import { apiServer } from "./api/server.ts";
import { Random } from "./clock/random.ts";
import { SandboxError } from "./errors.ts";
import { CallbackClient } from "./first-boot/callback-client.ts";
import { ConsoleLog } from "./first-boot/console-log.ts";
import { Cloud } from "./instances/cloud.ts";
import { Lifecycle } from "./instances/lifecycle.ts";
import { InstanceStore } from "./instances/store.ts";
import { timingsFor } from "./instances/timings.ts";
import { type SandboxOptions, type SandboxSettings, settingsOf } from "./options.ts";
import { StateFile } from "./state/state-file.ts";
import { memoryOnly, type StateSink } from "./state/state-sink.ts";
import { Counters, type SandboxStats } from "./stats.ts";

/** A report that nobody accepts is tried for ten minutes, as the real first-boot service does (C6). */
const CALLBACK_RETRY_FOR_MS = 600_000;

/** A running sandbox. */
export interface Sandbox {
  /** Where it listens, e.g. `http://127.0.0.1:40123`; the API is below `/v4`. */
  readonly url: string;
  /** Sets a fault, as `POST /sandbox/faults` does. Throws `sandbox_option_invalid`. */
  addFault(fault: FaultSpec): FaultView;
  clearFaults(): void;
  /** The same figures as `GET /sandbox/stats`. */
  stats(): SandboxStats;
  /** Cuts all connections, keeps the state. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Starts a pretend cloud (C16) in this process and resolves when it listens. Throws `SandboxError`:
 * `sandbox_option_invalid`, `sandbox_state_unusable`, `sandbox_address_unusable`.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const settings = settingsOf(options);
  const { clock } = settings;
  // A stream for each use: a fault that is drawn for does not change how long the boots take.
  const faults = new Faults(new Random(settings.seed));
  const latency = new Latency(clock, new Random(settings.seed + 1), settings.latency);
  const counters = new Counters();
  const log = new ConsoleLog();
  const store = new InstanceStore();
  const callbacks = new CallbackClient(settings.callbackConcurrency);
  const { state, resume } = openState(settings, store, counters);
  const lifecycle = new Lifecycle({
    clock,
    random: new Random(settings.seed + 2),
    timings: timingsFor(settings.bootMs, settings.callbackRetryMs, CALLBACK_RETRY_FOR_MS),
    store,
    counters,
    console: log,
    post: (url, token, body) => callbacks.post(url, token, body),
    callbackConcurrency: settings.callbackConcurrency,
    changed: (record) => state.changed(record),
    removed: (record) => state.removed(record),
  });
  const cloud = new Cloud({
    clock,
    store,
    lifecycle,
    state,
    counters,
    console: log,
    instanceLimit: settings.instanceLimit,
  });
  const rateLimiter =
    settings.rateLimitScale === undefined ? undefined : new RateLimiter(clock, settings.rateLimitScale);
  const calls = new CallRunner({ latency, faults, counters, state, rateLimiter });
  const server = apiServer({ tokens: settings.tokens, calls, cloud, faults, counters, store, console: log });
  const close = closeOnce(async () => {
    latency.close();
    lifecycle.close();
    callbacks.close();
    await server.close();
    state.close();
  });
  const url = await listen(server, settings, close);
  resume(lifecycle);
  return {
    url,
    addFault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    stats: () => counters.show(store.all(), undefined),
    close,
  };
}

function openState(
  settings: SandboxSettings,
  store: InstanceStore,
  counters: Counters,
): { state: StateSink; resume: (lifecycle: Lifecycle) => void } {
  if (settings.stateFile === undefined) return { state: memoryOnly, resume: () => {} };
  const { file, saved } = StateFile.open(settings.stateFile, () => store.nextId);
  store.restore(saved.records, saved.nextId);
  counters.restore(saved.createsByLabel);
  return { state: file, resume: (lifecycle) => saved.records.forEach((record) => lifecycle.resume(record)) };
}

async function listen(
  server: FastifyInstance,
  { host, port }: SandboxSettings,
  close: () => Promise<void>,
): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (error) {
    await close();
    const reason = error instanceof Error ? error.message : String(error);
    throw new SandboxError("sandbox_address_unusable", `cannot listen on ${host}:${port}: ${reason}; try port 0`, {
      cause: error,
    });
  }
}

function closeOnce(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => (closing ??= close());
}
