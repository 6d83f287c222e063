/**
 * Semaphores of all hosts (L12). A permit is asked for with a ticket, text that no other asker has: asking again with the
 * same one is how a waiter looks, and repeating after a lost connection takes nothing twice.
 *
 * - Never more than `permits` tickets of a name hold an unexpired lease by the store's clock.
 * - First come, first served: a ticket is granted only when all that came before it and are still waiting could be too. A
 *   waiter that has not asked again within its lease is out of the line.
 * - Each grant has a fence, greater than all given before in this store, whatever the semaphore.
 */
export interface PermitStore {
  /** Takes permits, or a place in the line. One act for each request; each answer stands by itself. */
  acquire(requests: PermitRequest[]): Promise<PermitAnswer[]>;
  /** Extends the leases of held permits. One that has run out and that nobody has taken since is still its holder's. */
  renew(leases: PermitLease[]): Promise<("renewed" | "lost")[]>;
  /** Gives back what these tickets hold, or their places in the line, and says whose turn it is now. */
  release(tickets: string[]): Promise<ReleasedPermits>;
}

/** What came of giving tickets back. */
export interface ReleasedPermits {
  /** For each ticket, in their order. False: it was gone already. */
  released: boolean[];
  /** Who would get a permit of these semaphores by asking now: to be told so, lest they find it out when they next look. */
  next: SeenTicket[];
}

/** A permit that is asked for, or whose place in the line is looked at again. */
export interface PermitRequest {
  /** Of the semaphore. */
  name: string;
  /** How many may hold it at once. All that use a name at a time must say the same. */
  permits: number;
  ticket: string;
  leaseMs: number;
  /** False: now, or not at all. */
  wait: boolean;
  holder: PermitHolder;
}

/** Who asks, for others on the same host to see whether it still lives: opaque to the store. */
export interface PermitHolder {
  /** A kernel and a space of process ids in it. */
  host: string;
  /** A process on that host, told apart from later ones of the same id. */
  process: string;
}

/** What became of a request for a permit. */
export type PermitAnswer =
  | { state: "held"; fence: number }
  /** `ahead`: waiters before this one. `before`: some of those that hold it or stand before it, `permitsShownMax` at most. */
  | { state: "waiting"; ahead: number; before: SeenTicket[] }
  /** Without `wait`. */
  | { state: "refused"; why: "taken"; before: SeenTicket[] }
  /** `waiters`: the line is at `limits.permitWaitersMax`. `permits`: others use the name with this other number. */
  | { state: "refused"; why: "waiters" }
  | { state: "refused"; why: "permits"; permits: number };

/** One that stands before in the line, or holds what is asked for. */
export interface SeenTicket extends PermitHolder {
  ticket: string;
}

/** A permit, or a place in the line, to be kept for so long. */
export interface PermitLease {
  ticket: string;
  leaseMs: number;
}

/** Tickets that a waiter is shown: enough to find dead holders, few enough for every look. */
export const permitsShownMax = 16;

/** Memory shared by all hosts (L12): a table of JSON texts. */
export interface MemoryStore {
  /**
   * Does the operations in their order, all or none, if the condition holds.
   *
   * @throws JobsError `invalid_input` for an increment of what is no number, or past the range of numbers.
   */
  apply(operations: MemoryOperation[], condition?: MemoryCondition): Promise<MemoryAnswer>;
}

/** One act on a key of the shared memory. */
export type MemoryOperation =
  | { kind: "get" | "has" | "remove"; key: string }
  /** `value` is JSON text; it takes the place of what is there. */
  | { kind: "add"; key: string; value: string }
  /** A key that is not there counts as 0. */
  | { kind: "increment"; key: string; by: number };

/** What must hold for operations to take effect. */
export interface MemoryCondition {
  /** These tickets hold their permits: what a holder does after it has lost its lease changes nothing. */
  held?: string[];
  /** Nobody holds or waits for this semaphore: an act of its own that needs no permit. */
  free?: string;
}

/** `lost`: a permit of the condition is not held any more. `busy`: the semaphore that had to be free is not. */
export type MemoryAnswer = { state: "applied"; results: MemoryResult[] } | { state: "refused"; why: "lost" | "busy" };

/** `found`: the key was there before. `value`: JSON text, of a `get` that found it and of an `increment`. */
export interface MemoryResult {
  found: boolean;
  value?: string;
}
