import { healthSchema, ProvostError } from "@provost/contract";
import { errorCode, messageOf, rootCause } from "./error-code.ts";

const answerWithinMs = 2_000;
const keptMs = 30_000;
const addressesMax = 100;

/**
 * Before a deploy: does the address that its instance will call lead back to this very deployment (C6)? Only a good
 * answer is remembered, for 30 s, so that a mended address works at once.
 */
export class CallbackCheck {
  readonly #deployment: () => string;
  readonly #now: () => number;
  readonly #good = new Map<string, number>();

  /** @param now ms of a clock that only goes forward. */
  constructor(deployment: () => string, now: () => number = () => performance.now()) {
    this.#deployment = deployment;
    this.#now = now;
  }

  /** @throws ProvostError `callback_unreachable`: what came instead, and what to set. */
  async check(url: string): Promise<void> {
    const checkedAt = this.#good.get(url);
    if (checkedAt !== undefined && this.#now() - checkedAt < keptMs) return;
    const found = await deploymentAt(url);
    const expected = this.#deployment();
    if (found !== expected)
      throw unreachable(url, `another deployment of Provost answers there (${found}, this is ${expected})`);
    if (this.#good.size >= addressesMax) this.#good.clear();
    this.#good.set(url, this.#now());
  }
}

async function deploymentAt(url: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(`${url.replace(/\/+$/, "")}/v1/health`, {
      redirect: "error",
      signal: AbortSignal.timeout(answerWithinMs),
    });
  } catch (error) {
    throw unreachable(url, whyNot(error), error);
  }
  const health = healthSchema.safeParse(await response.json().catch(() => undefined));
  if (health.success) return health.data.deployment;
  throw unreachable(url, `what answers there is not Provost (HTTP ${response.status})`);
}

function whyNot(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError") return `no answer within ${answerWithinMs / 1000} s`;
  const words: Record<string, string> = {
    ECONNREFUSED: "nothing listens there",
    ENOTFOUND: "that host name is not known",
    EHOSTUNREACH: "there is no way to that host",
    ENETUNREACH: "there is no way to that network",
  };
  const cause = rootCause(error);
  return words[errorCode(cause)] ?? messageOf(cause);
}

function unreachable(url: string, reason: string, cause?: unknown): ProvostError {
  return new ProvostError(
    "callback_unreachable",
    `Instances are to call ${url}, but ${reason}. Set PROVOST_CALLBACK_URL (or the provider's own callback URL) to an address that leads to this server.`,
    { field: "callbackUrl", cause },
  );
}
