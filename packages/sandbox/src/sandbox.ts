import type { FastifyInstance } from "fastify";
import type { FaultSpec, FaultView } from "./api/fault-spec.ts";
import { apiServer } from "./api/server.ts";
import { assemble, fill, resume } from "./assembly.ts";
import { SandboxError } from "./errors.ts";
import type { Populated, PopulateRequest, VanishRequest } from "./instances/population.ts";
import { readClockOffsetMs, type SandboxOptions, type SandboxSettings, settingsOf } from "./options.ts";
import type { SandboxStats } from "./stats.ts";

/** A running sandbox. */
export interface Sandbox {
  /** Where it listens, e.g. `http://127.0.0.1:40123`; the API is below `/v4`. */
  readonly url: string;
  /** Sets a fault, as `POST /sandbox/faults` does. Throws `sandbox_option_invalid`. */
  addFault(fault: FaultSpec): FaultView;
  clearFaults(): void;
  /** Instances at once, as `POST /sandbox/populate`. Throws Linode's refusal. */
  populate(request: PopulateRequest): Populated;
  /** Instances gone at once, as `POST /sandbox/vanish`. Returns their ids. */
  vanish(request: VanishRequest): number[];
  /** Sets how far the account's clock is ahead, in ms. Throws `sandbox_option_invalid`. */
  setClockOffset(offsetMs: number): void;
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
  const account = assemble(settings);
  const server = apiServer({ ...account, tokens: settings.tokens });
  const close = closeOnce(async () => {
    for (const part of account.closers) part.close();
    await server.close();
    account.state.close();
  });
  try {
    fill(account, settings);
  } catch (error) {
    await close();
    throw error;
  }
  const url = await listen(server, settings, close);
  resume(account);
  const { faults, population, time, counters, store } = account;
  return {
    url,
    addFault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    populate: (request) => population.populate(request),
    vanish: (request) => population.vanish(request),
    setClockOffset: (offsetMs) => {
      time.offsetMs = readClockOffsetMs(offsetMs);
    },
    stats: () => counters.show(store.all, undefined),
    close,
  };
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
