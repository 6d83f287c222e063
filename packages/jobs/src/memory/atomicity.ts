import { AsyncLocalStorage } from "node:async_hooks";
import type {
  Atomicity,
  AtomicityOptions,
  Permit,
  Semaphore,
  SemaphoreOptions,
  SemaphoreScope,
  SharedMemory,
  PermitWait,
} from "../core/atomicity.ts";
import { checkedInteger, checkedKey } from "../core/bounds.ts";
import { durationMs } from "../core/duration.ts";
import { JobsError } from "../core/errors.ts";
import { defaults, limits } from "../core/limits.ts";
import { payloadJson } from "../core/payload.ts";
import { shown } from "../core/shown.ts";
import type { MemoryOperation, MemoryResult } from "../transporters/permits.ts";
import { lostPermit } from "./refusals.ts";
import type { HeldPermit, PermitWish, Scope, Scopes } from "./scope.ts";

/** A section that the running code is in. */
interface Section {
  scope: Scope;
  name: string;
  permits: number;
  held: HeldPermit;
  isOpen: boolean;
}

/** The sections around the code that runs, the innermost last. */
const around = new AsyncLocalStorage<readonly Section[]>();

function openSections(scope: Scope): Section[] {
  return (around.getStore() ?? []).filter((section) => section.isOpen && section.scope === scope);
}

/** L12 for one attempt: `end` gives back the permits that its handler has left behind. */
export interface AttemptAtomicity extends Atomicity {
  end(): Promise<void>;
}

/** @param signal of the job: gives up waiting. */
export function attemptAtomicity(scopes: Scopes, signal: AbortSignal): AttemptAtomicity {
  const left = new Set<HeldPermit>();
  let isOver = false;
  const end = async (): Promise<void> => {
    isOver = true;
    await Promise.all([...left].map((held) => held.release()));
  };
  const keep = (held: HeldPermit): HeldPermit => {
    left.add(held);
    // Asked for by code that outlives its attempt.
    if (isOver) void held.release();
    return { fence: held.fence, lost: held.lost, release: () => (left.delete(held), held.release()) };
  };
  return { ...atomicityOf(scopes, signal, keep), end };
}

/**
 * L12 as its users have it, over the scopes of a manager or of an isolated process.
 *
 * @param signal of the job: gives up waiting. @param keep is shown the permits that leave without a section around them.
 */
export function atomicityOf(
  scopes: Scopes,
  signal?: AbortSignal,
  keep: (held: HeldPermit) => HeldPermit = (held) => held,
): Atomicity {
  const scopeOf = (scope: SemaphoreScope = "store"): { key: SemaphoreScope; scope: Scope } => {
    if (Object.hasOwn(scopes, scope)) return { key: scope, scope: scopes[scope] };
    throw new JobsError("invalid_options", `scope is ${shown(scope)}: give "manager", "host" or "store"`);
  };
  return {
    ensureAtomicity: async (name, fn, { scope, ...wait }: AtomicityOptions = {}) =>
      await new NamedSemaphore({ ...scopeOf(scope), name: checkedKey(name, "name"), permits: 1, signal, keep }).use(
        fn,
        wait,
      ),
    semaphore: (name, { permits = 1, scope }: SemaphoreOptions = {}) =>
      new NamedSemaphore({
        ...scopeOf(scope),
        name: checkedKey(name, "name"),
        permits: checkedInteger(permits, "permits", 1, limits.permitsMax, "invalid_options"),
        signal,
        keep,
      }),
    memory: (scope) => new Memory(scopeOf(scope).scope, signal),
  };
}

interface SemaphoreSettings {
  key: SemaphoreScope;
  scope: Scope;
  name: string;
  permits: number;
  signal: AbortSignal | undefined;
  keep: (held: HeldPermit) => HeldPermit;
}

class NamedSemaphore implements Semaphore {
  readonly #settings: SemaphoreSettings;

  constructor(settings: SemaphoreSettings) {
    this.#settings = settings;
  }

  async acquire(options: PermitWait = {}): Promise<Permit> {
    return this.#permit(this.#settings.keep(await this.#held(options)));
  }

  async tryAcquire(): Promise<Permit | undefined> {
    const { scope, name, permits, keep } = this.#settings;
    this.#refuseNested();
    const held = await scope.acquire({ name, permits, waitMs: 0 });
    return held === undefined ? undefined : this.#permit(keep(held));
  }

  async use<T>(fn: (permit: Permit) => T | Promise<T>, options: PermitWait = {}): Promise<T> {
    const { scope, name, permits } = this.#settings;
    const held = await this.#held(options);
    const section: Section = { scope, name, permits, held, isOpen: true };
    const sections = [...(around.getStore() ?? []), section];
    let result: T;
    try {
      result = await around.run(sections, async () => await fn(this.#permit(held)));
    } catch (thrown) {
      section.isOpen = false;
      await held.release();
      throw thrown;
    }
    section.isOpen = false;
    if (!(await held.release())) throw lostPermit(name);
    return result;
  }

  async #held(options: PermitWait): Promise<HeldPermit> {
    const { scope, name, permits, signal, key } = this.#settings;
    this.#refuseNested();
    const wish = wishOf({ name, permits }, options, signal);
    return (await scope.acquire(wish)) ?? timedOut(name, wish.waitMs, key);
  }

  /** It would wait for itself for ever. */
  #refuseNested(): void {
    const { scope, name, permits } = this.#settings;
    if (permits === 1 && openSections(scope).some((section) => section.name === name)) throw nested(name);
  }

  #permit(held: HeldPermit): Permit {
    const { name } = this.#settings;
    const release = async (): Promise<void> => {
      if (!(await held.release())) throw lostPermit(name);
    };
    return { fence: held.fence, signal: held.lost, release, [Symbol.asyncDispose]: release };
  }
}

class Memory implements SharedMemory {
  readonly #scope: Scope;
  readonly #signal: AbortSignal | undefined;

  constructor(scope: Scope, signal: AbortSignal | undefined) {
    this.#scope = scope;
    this.#signal = signal;
  }

  async add(key: string, value: unknown): Promise<void> {
    await this.#plain(adding(key, value));
  }

  async get(key: string): Promise<unknown> {
    return valueOf(await this.#plain({ kind: "get", key: checkedKey(key, "key") }));
  }

  async has(key: string): Promise<boolean> {
    return (await this.#plain({ kind: "has", key: checkedKey(key, "key") })).found;
  }

  async remove(key: string): Promise<boolean> {
    return (await this.#plain({ kind: "remove", key: checkedKey(key, "key") })).found;
  }

  async atomAdd(key: string, value: unknown, options?: PermitWait): Promise<void> {
    await this.#alone(adding(key, value), options);
  }

  async atomGet(key: string, options?: PermitWait): Promise<unknown> {
    return valueOf(await this.#alone({ kind: "get", key: checkedKey(key, "key") }, options));
  }

  async atomRemove(key: string, options?: PermitWait): Promise<boolean> {
    return (await this.#alone({ kind: "remove", key: checkedKey(key, "key") }, options)).found;
  }

  async atomIncrement(key: string, by = 1, options?: PermitWait): Promise<number> {
    if (!Number.isFinite(by)) throw new JobsError("invalid_options", `by is ${shown(by)}: give a finite number`);
    const result = await this.#alone({ kind: "increment", key: checkedKey(key, "key"), by }, options);
    return Number(valueOf(result));
  }

  async #plain(operation: MemoryOperation): Promise<MemoryResult> {
    const guards = openSections(this.#scope).map(({ held }) => held);
    return oneOf(await this.#scope.apply([operation], guards));
  }

  async #alone(operation: MemoryOperation, options: PermitWait = {}): Promise<MemoryResult> {
    const { key } = operation;
    if (openSections(this.#scope).some((section) => section.name === key)) throw nested(key);
    const wish = wishOf({ name: key, permits: 1 }, options, this.#signal);
    const results = await this.#scope.applyAlone([operation], wish);
    return oneOf(results ?? timedOut(key, wish.waitMs));
  }
}

function wishOf(
  what: Pick<PermitWish, "name" | "permits">,
  { timeout = defaults.permitWaitMs, signal }: PermitWait,
  jobs: AbortSignal | undefined,
): PermitWish {
  const signals = [jobs, signal].filter((each) => each !== undefined);
  const waitMs = durationMs(timeout, "timeout");
  return signals.length === 0 ? { ...what, waitMs } : { ...what, waitMs, signal: AbortSignal.any(signals) };
}

function adding(key: string, value: unknown): MemoryOperation {
  const json = payloadJson(value, "the value of a key", "invalid_input");
  return { kind: "add", key: checkedKey(key, "key"), value: json };
}

function valueOf({ value }: MemoryResult): unknown {
  return value === undefined ? undefined : JSON.parse(value);
}

function oneOf([result]: MemoryResult[]): MemoryResult {
  if (result !== undefined) return result;
  throw new JobsError(
    "store_unavailable",
    "the store gave no answer to an act on shared memory: look before repeating",
  );
}

function timedOut(name: string, waitMs: number, scope?: SemaphoreScope): never {
  const where = scope === undefined ? "" : ` (scope ${scope})`;
  throw new JobsError(
    "permit_timed_out",
    `no permit of ${JSON.stringify(name)}${where} came free in ${waitMs} ms: raise timeout, or come back later (defer)`,
  );
}

function nested(name: string): JobsError {
  return new JobsError(
    "semaphore_nested",
    `the section ${JSON.stringify(name)} asks for its own semaphore: use the plain memory calls in it, or another name`,
  );
}
