import { BudgetWait } from "../budget/budget-wait.ts";
import { CircuitOpen } from "../circuit/circuit-open.ts";
import { passing } from "../instances/failure.ts";
import { ProviderError } from "../providers/provider-error.ts";
import { spread } from "../flows/step.ts";

/** What a call of ours that did not go well means for the run that made it. */
interface Trouble {
  /** False: it was only put off, by a rate limit or an open circuit. */
  failed: boolean;
  /** When to come back; undefined where no later call would go better. */
  afterMs: number | undefined;
  message: string;
}

/** Throws on what is no provider's doing. */
export function troubleOf(error: unknown, retryMs: number): Trouble {
  if (!(error instanceof ProviderError)) throw error;
  const { message } = error;
  // Its turn is told exactly; a crowd of them does not come from one line.
  if (error instanceof BudgetWait) return { failed: false, afterMs: error.waitMs, message };
  const afterMs = passing(error) ? spread(error.retryAfterMs ?? retryMs) : undefined;
  return { failed: !(error instanceof CircuitOpen) && error.code !== "provider_rate_limited", afterMs, message };
}
