import { limits } from "./limits.ts";

/**
 * The priority of a job that was started and did not complete (L4).
 *
 * @param base priority as it was given, 0–255.
 * @param attemptsLeft of the budget after this attempt.
 * @param attempts the budget.
 */
export type DecayRule = (base: number, attemptsLeft: number, attempts: number) => number;

/** `floor(base × attemptsLeft / attempts)`: it diminishes steadily until the budget is gone (L4). */
export const steadyDecay: DecayRule = (base, attemptsLeft, attempts) => Math.floor((base * attemptsLeft) / attempts);

/**
 * Applies a rule within L1's bounds. A job's own rule runs while its attempt is being settled, when no caller is left to
 * tell: what it throws, or anything but a number, gives the steady decay instead.
 */
export function decayed(rule: DecayRule, base: number, attemptsUsed: number, attempts: number): number {
  const left = Math.max(0, attempts - attemptsUsed);
  const steady = steadyDecay(base, left, attempts);
  if (rule === steadyDecay) return steady;
  try {
    const own = Math.floor(rule(base, left, attempts));
    return Number.isNaN(own) ? steady : Math.min(limits.priorityMax, Math.max(0, own));
  } catch {
    return steady;
  }
}
