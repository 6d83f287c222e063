import { ProviderError } from "../providers/provider-error.ts";

/** A call that was not made because the rate budget has no room for it (C11): it comes back after `retryAfterMs`. */
export class BudgetWait extends ProviderError {
  /** In the line, from 1. */
  readonly place: number;
  /** It has just joined the line. */
  readonly joined: boolean;
  /** When to come back, in ms: exact, so that nobody's turn passes unused. */
  readonly waitMs: number;

  constructor(fields: { account: string; group: string; waitMs: number; place: number; joined: boolean }) {
    super({
      code: "provider_rate_limited",
      effect: "none",
      message: `${fields.account} allows no more calls (${fields.group}) for ${Math.ceil(fields.waitMs / 1_000)} s. It is tried again by itself.`,
      retryAfterMs: fields.waitMs,
    });
    this.place = fields.place;
    this.joined = fields.joined;
    this.waitMs = fields.waitMs;
  }
}
