import { existsSync, lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JobsError } from "../core/errors.ts";
import type { LeaseGuard } from "../manager/lease-guard.ts";
import type { MemoryOperation, MemoryResult } from "../transporters/permits.ts";
import type { DirectStore } from "../transporters/sqlite/direct.ts";
import type { HeldPermit, PermitWish, Scope } from "./scope.ts";
import { StoreScope, type StoreScopeOptions } from "./store-scope.ts";

export interface HostScopeOptions extends Omit<StoreScopeOptions, "permits" | "memory" | "table"> {
  guard: Pick<LeaseGuard, "permits">;
  /** Where the managers of this host meet; one of this user's own by default. */
  folder: string | undefined;
}

/**
 * Semaphores and memory of all managers of this user on a host (L12): a small store of their own, in memory where the system has
 * a file system for that, opened when it is first used. A store and not one manager that serves the others: any of them may die
 * at any moment, and what the others hold and share must not die with it.
 */
export class HostScope implements Scope {
  readonly #options: HostScopeOptions;
  #opening: Promise<{ scope: StoreScope; store: DirectStore }> | undefined;
  #isStopped = false;

  constructor(options: HostScopeOptions) {
    this.#options = options;
  }

  async acquire(wish: PermitWish): Promise<HeldPermit | undefined> {
    return await (await this.#scope()).acquire(wish);
  }

  async apply(operations: MemoryOperation[], guards: readonly HeldPermit[]): Promise<MemoryResult[]> {
    return await (await this.#scope()).apply(operations, guards);
  }

  async applyAlone(operations: MemoryOperation[], wish: PermitWish): Promise<MemoryResult[] | undefined> {
    return await (await this.#scope()).applyAlone(operations, wish);
  }

  start(): void {
    this.#isStopped = false;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const opened = await this.#opening?.catch(() => undefined);
    this.#opening = undefined;
    await opened?.scope.stop();
    opened?.store.close();
  }

  async #scope(): Promise<StoreScope> {
    if (this.#isStopped) throw new JobsError("manager_stopped", "the manager is stopped: start() it again");
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return (await this.#opening).scope;
  }

  async #open(): Promise<{ scope: StoreScope; store: DirectStore }> {
    const { openDirect } = await import("../transporters/sqlite/direct.ts");
    const store = openDirect(join(ownFolder(this.#options.folder), "host.db"));
    const { permits, memory, remote } = store;
    const table = () => this.#options.guard.permits(remote);
    return { scope: new StoreScope({ ...this.#options, permits, memory, table }), store };
  }
}

/** @throws JobsError `store_location_refused` when others could write there. */
function ownFolder(given: string | undefined): string {
  const uid = process.getuid?.();
  const base = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const folder = given ?? join(base, `provost-jobs-${uid ?? "host"}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid: owner } = lstatSync(folder);
  const isDirectory = (mode & 0o170_000) === 0o040_000;
  if (!isDirectory || (uid !== undefined && (owner !== uid || (mode & 0o022) !== 0))) {
    throw new JobsError(
      "store_location_refused",
      `${folder} is not a folder that only this user can write to: remove it, or name another (hostFolder)`,
    );
  }
  return folder;
}
