import type { SemaphoreScope } from "../core/atomicity.ts";
import type { MemoryOperation, MemoryResult } from "../transporters/permits.ts";

/** What an asker wants; checked and filled in. */
export interface PermitWish {
  name: string;
  permits: number;
  /** 0: now, or not at all. */
  waitMs: number;
  /** Gives up waiting. Aborted before: throws its reason. */
  signal?: AbortSignal;
}

/** A permit in hand. */
export interface HeldPermit {
  /** Grows with each grant in its scope. */
  readonly fence: number;
  /** Aborted, with JobsError `permit_lost`, when others may hold it. */
  readonly lost: AbortSignal;
  /** Safe to call twice. False: it was lost before. Never rejects: what cannot be given back now comes back with its lease. */
  release(): Promise<boolean>;
}

/** One scope's semaphores and memory: of this process, of a store, or of the manager at the other end of a channel. */
export interface Scope {
  /** Undefined: no permit within `waitMs`. @throws JobsError `permit_waiters_exceeded`, `semaphore_mismatch`, the signal's reason. */
  acquire(wish: PermitWish): Promise<HeldPermit | undefined>;
  /**
   * Does the operations, all or none.
   *
   * @param guards permits of this scope that must be held when they take effect. @throws JobsError `permit_lost`.
   */
  apply(operations: MemoryOperation[], guards: readonly HeldPermit[]): Promise<MemoryResult[]>;
  /** As `apply`, while holding the semaphore of this name. Undefined: no permit within `waitMs`. */
  applyAlone(operations: MemoryOperation[], wish: PermitWish): Promise<MemoryResult[] | undefined>;
}

export type Scopes = Readonly<Record<SemaphoreScope, Scope>>;
