import type { SemaphoreScope } from "../core/atomicity.ts";
import { JobsError, type JobsErrorCode } from "../core/errors.ts";
import type { MemoryOperation, MemoryResult } from "../transporters/permits.ts";
import { lostPermit } from "./refusals.ts";
import type { HeldPermit, PermitWish, Scope, Scopes } from "./scope.ts";

/**
 * How an isolated process (thread or child) reaches the semaphores and memory of its manager (L12). Whoever owns the process
 * carries these messages; all can be cloned and be JSON. The manager holds the permits in the process's stead: when the
 * process is gone, `MemoryHost.close` gives them back at once.
 *
 * `permit` numbers are given by the process, each once.
 */
export type MemoryCall =
  | { act: "acquire"; permit: number; scope: SemaphoreScope; wish: Omit<PermitWish, "signal"> }
  /** Ends the waiting of an `acquire` that has not been answered. */
  | { act: "give-up"; permit: number }
  | { act: "release"; permit: number }
  | { act: "apply"; scope: SemaphoreScope; operations: MemoryOperation[]; guards: number[] }
  | {
      act: "apply-alone";
      permit: number;
      scope: SemaphoreScope;
      operations: MemoryOperation[];
      wish: Omit<PermitWish, "signal">;
    };

export type MemoryReply =
  | { state: "held"; fence: number }
  /** No permit within the time. */
  | { state: "none" }
  | { state: "released"; held: boolean }
  | { state: "applied"; results: MemoryResult[] }
  | { state: "thrown"; code: JobsErrorCode; message: string };

/** From the manager, unasked: this permit is lost. */
export interface PermitLost {
  permit: number;
}

/** The manager's end of one isolated process. */
export class MemoryHost {
  readonly #scopes: Scopes;
  readonly #tell: (lost: PermitLost) => void;
  readonly #held = new Map<number, HeldPermit>();
  readonly #waiting = new Map<number, AbortController>();
  #closed = false;

  constructor(scopes: Scopes, tell: (lost: PermitLost) => void) {
    this.#scopes = scopes;
    this.#tell = tell;
  }

  /** Never rejects: what goes wrong is a reply. */
  async answer(call: MemoryCall): Promise<MemoryReply> {
    try {
      return await this.#answer(call);
    } catch (thrown) {
      if (thrown instanceof JobsError) return { state: "thrown", code: thrown.code, message: thrown.message };
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      return { state: "thrown", code: "store_unavailable", message };
    }
  }

  /** The process is gone: its waiting ends and its permits go back. Awaited, safe to call twice. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#waiting.values()) waiting.abort(gone());
    const held = [...this.#held.values()];
    this.#held.clear();
    await Promise.all(held.map((permit) => permit.release()));
  }

  async #answer(call: MemoryCall): Promise<MemoryReply> {
    switch (call.act) {
      case "acquire": {
        const { permit, wish } = call;
        return await this.#interruptible(permit, async (signal) => {
          const held = await this.#scopes[call.scope].acquire({ ...wish, signal });
          if (held === undefined) return { state: "none" };
          return await this.#keep(permit, held);
        });
      }
      case "give-up":
        this.#waiting.get(call.permit)?.abort(gone());
        return { state: "none" };
      case "release": {
        const held = this.#held.get(call.permit);
        this.#held.delete(call.permit);
        return { state: "released", held: (await held?.release()) ?? false };
      }
      case "apply": {
        const guards = call.guards.map((permit) => this.#held.get(permit));
        if (guards.includes(undefined)) throw lostPermit();
        const results = await this.#scopes[call.scope].apply(
          call.operations,
          guards.filter((guard) => guard !== undefined),
        );
        return { state: "applied", results };
      }
      default:
        return await this.#interruptible(call.permit, async (signal) => {
          const results = await this.#scopes[call.scope].applyAlone(call.operations, { ...call.wish, signal });
          return results === undefined ? { state: "none" } : { state: "applied", results };
        });
    }
  }

  async #interruptible(permit: number, act: (signal: AbortSignal) => Promise<MemoryReply>): Promise<MemoryReply> {
    if (this.#closed) throw gone();
    const controller = new AbortController();
    this.#waiting.set(permit, controller);
    try {
      return await act(controller.signal);
    } finally {
      this.#waiting.delete(permit);
    }
  }

  async #keep(permit: number, held: HeldPermit): Promise<MemoryReply> {
    if (this.#closed) {
      // It died between the asking and the getting.
      await held.release();
      throw gone();
    }
    this.#held.set(permit, held);
    held.lost.addEventListener("abort", () => {
      if (this.#held.has(permit)) this.#tell({ permit });
    });
    return { state: "held", fence: held.fence };
  }
}

/** The isolated process's end: scopes that ask the manager. `call` carries a message there and its reply back. */
export class RemoteScopes {
  readonly scopes: Scopes;
  readonly #call: (call: MemoryCall) => Promise<MemoryReply>;
  readonly #held = new Map<number, AbortController>();
  #lastPermit = 0;

  constructor(call: (call: MemoryCall) => Promise<MemoryReply>) {
    this.#call = call;
    this.scopes = { manager: this.#scope("manager"), host: this.#scope("host"), store: this.#scope("store") };
  }

  /** Told by the manager. */
  lost({ permit }: PermitLost): void {
    this.#held.get(permit)?.abort(lostPermit());
  }

  #scope(scope: SemaphoreScope): Scope {
    return {
      acquire: (wish) => this.#acquire(scope, wish),
      apply: async (operations, guards) => {
        const numbers = guards.map((guard) => (guard instanceof RemotePermit ? guard.number : 0));
        const reply = await this.#ask({ act: "apply", scope, operations, guards: numbers });
        return reply.state === "applied" ? reply.results : [];
      },
      applyAlone: async (operations, { signal, ...wish }) => {
        const permit = ++this.#lastPermit;
        const call = { act: "apply-alone", permit, scope, operations, wish } as const;
        const reply = await this.#givingUp(permit, signal, () => this.#ask(call));
        return reply.state === "applied" ? reply.results : undefined;
      },
    };
  }

  async #acquire(scope: SemaphoreScope, { signal, ...wish }: PermitWish): Promise<HeldPermit | undefined> {
    const number = ++this.#lastPermit;
    const lost = new AbortController();
    // Before the reply: the word that it is lost may come right behind it.
    this.#held.set(number, lost);
    try {
      const reply = await this.#givingUp(number, signal, () =>
        this.#ask({ act: "acquire", permit: number, scope, wish }),
      );
      if (reply.state === "held") {
        return new RemotePermit(number, reply.fence, lost.signal, () => this.#release(number));
      }
    } catch (thrown) {
      this.#held.delete(number);
      throw thrown;
    }
    this.#held.delete(number);
    return undefined;
  }

  async #release(number: number): Promise<boolean> {
    this.#held.delete(number);
    const reply = await this.#call({ act: "release", permit: number });
    return reply.state === "released" && reply.held;
  }

  async #givingUp(
    permit: number,
    signal: AbortSignal | undefined,
    ask: () => Promise<MemoryReply>,
  ): Promise<MemoryReply> {
    signal?.throwIfAborted();
    const giveUp = (): void => void this.#call({ act: "give-up", permit });
    signal?.addEventListener("abort", giveUp);
    try {
      return await ask();
    } catch (thrown) {
      signal?.throwIfAborted();
      throw thrown;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  async #ask(call: MemoryCall): Promise<MemoryReply> {
    const reply = await this.#call(call);
    if (reply.state === "thrown") throw new JobsError(reply.code, reply.message);
    return reply;
  }
}

class RemotePermit implements HeldPermit {
  readonly number: number;
  readonly fence: number;
  readonly lost: AbortSignal;
  readonly #giveBack: () => Promise<boolean>;
  #released: Promise<boolean> | undefined;

  constructor(number: number, fence: number, lost: AbortSignal, giveBack: () => Promise<boolean>) {
    this.number = number;
    this.fence = fence;
    this.lost = lost;
    this.#giveBack = giveBack;
  }

  release(): Promise<boolean> {
    this.#released ??= this.#giveBack();
    return this.#released;
  }
}

function gone(): JobsError {
  return new JobsError("manager_stopped", "the process that waited for a permit is gone, or gave up waiting");
}
