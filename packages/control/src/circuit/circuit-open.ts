import { ProviderError } from "../providers/provider-error.ts";

/** A call that was not made because its circuit is open (C12): what waits for it comes back after `retryAfterMs`. */
export class CircuitOpen extends ProviderError {
  constructor(fields: { account: string; region: string; waitMs: number; lastError: string }) {
    const where = fields.region === "" ? fields.account : `${fields.account} in ${fields.region}`;
    super({
      code: "provider_unreachable",
      effect: "none",
      message: `${where} is not asked for now, because it has been failing: ${fields.lastError} It is tried again by itself.`,
      retryAfterMs: fields.waitMs,
    });
  }
}
