import { JobsError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { numberPlus } from "../core/memory.ts";
import type { MemoryOperation, MemoryResult } from "../transporters/permits.ts";
import type { HeldPermit, PermitWish, Scope } from "./scope.ts";
import type { TableSemaphores } from "./table-semaphores.ts";

/** The semaphores and memory of one manager (L12), on its own event loop: the memory ends with it. */
export class ManagerScope implements Scope {
  readonly #semaphores: TableSemaphores;
  readonly #values = new Map<string, string>();

  constructor(semaphores: TableSemaphores) {
    this.#semaphores = semaphores;
  }

  acquire(wish: PermitWish): Promise<HeldPermit | undefined> {
    return this.#semaphores.acquire(wish);
  }

  /** No guards: a permit of this scope is not lost while its holder can still ask. */
  async apply(operations: MemoryOperation[]): Promise<MemoryResult[]> {
    const before = operations.map(({ key }) => [key, this.#values.get(key)] as const);
    try {
      return operations.map((operation) => this.#applyOne(operation));
    } catch (thrown) {
      for (const [key, value] of before) {
        if (value === undefined) this.#values.delete(key);
        else this.#values.set(key, value);
      }
      throw thrown;
    }
  }

  async applyAlone(operations: MemoryOperation[], wish: PermitWish): Promise<MemoryResult[] | undefined> {
    const held = await this.acquire(wish);
    if (held === undefined) return undefined;
    try {
      return await this.apply(operations);
    } finally {
      await held.release();
    }
  }

  #applyOne(operation: MemoryOperation): MemoryResult {
    const { key } = operation;
    const there = this.#values.get(key);
    const found = there !== undefined;
    switch (operation.kind) {
      case "remove":
        return { found: this.#values.delete(key) };
      case "add":
        this.#put(key, operation.value, found);
        return { found };
      case "increment": {
        const value = numberPlus(key, there, operation.by);
        this.#put(key, value, found);
        return { found, value };
      }
      case "get":
        return found ? { found, value: there } : { found };
      default:
        return { found };
    }
  }

  #put(key: string, value: string, found: boolean): void {
    if (!found && this.#values.size >= limits.managerKeysMax) {
      throw new JobsError(
        "payload_too_large",
        `the manager's memory has ${limits.managerKeysMax} keys (limits.managerKeysMax): remove some, or use memory("store")`,
      );
    }
    this.#values.set(key, value);
  }
}
