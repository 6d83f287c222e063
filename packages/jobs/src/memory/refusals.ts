import { JobsError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";

/** The error of a holder that was taken for dead. */
export function lostPermit(name?: string): JobsError {
  const which = name === undefined ? "the permit" : `the permit of ${JSON.stringify(name)}`;
  return new JobsError(
    "permit_lost",
    `${which} was lost: its holder was taken for dead (lease not renewed in time, or its manager stopped); ` +
      "others may have been in the section: check, then repeat",
  );
}

/** The error of a semaphore that others use with another number of permits. */
export function mismatch(name: string, permits: number, others: number): JobsError {
  return new JobsError(
    "semaphore_mismatch",
    `semaphore ${JSON.stringify(name)} is asked for with ${permits} permits while others use it with ${others}: say the same number everywhere`,
  );
}

export function tooManyWaiters(name: string): JobsError {
  return new JobsError(
    "permit_waiters_exceeded",
    `semaphore ${JSON.stringify(name)} has ${limits.permitWaitersMax} waiters (limits.permitWaitersMax): tryAcquire and come back later`,
  );
}
