import { isIPv6 } from "node:net";
import { ProvostError } from "@provost/contract";

const windowMs = 5 * 60_000;
export const failuresMax = 10;
/** Addresses that are remembered; the one that came first is forgotten for a new one (L14). */
export const addressesMax = 10_000;

interface Attempts {
  count: number;
  endsAt: number;
}

/**
 * Failed sign-ins by address: ten in five minutes. A token is 256 random bits, so this keeps no guesser out that could otherwise get in; it
 * keeps the store and the log from being worked by one.
 */
export class SignInLimit {
  readonly #now: () => number;
  readonly #byAddress = new Map<string, Attempts>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  get size(): number {
    return this.#byAddress.size;
  }

  /**
   * Counts an attempt before it is made, so that many at once are counted too; `succeeded` takes it back.
   *
   * @throws TooManyAttempts
   */
  begin(ip: string): void {
    const address = network(ip);
    const now = this.#now();
    const known = this.#byAddress.get(address);
    const attempts = known === undefined || known.endsAt <= now ? { count: 0, endsAt: now + windowMs } : known;
    if (attempts.count >= failuresMax) throw new TooManyAttempts(attempts.endsAt - now);
    attempts.count += 1;
    if (attempts === known) return;
    this.#byAddress.delete(address);
    const [oldest] = this.#byAddress.keys();
    if (this.#byAddress.size >= addressesMax && oldest !== undefined) this.#byAddress.delete(oldest);
    this.#byAddress.set(address, attempts);
  }

  succeeded(ip: string): void {
    this.#byAddress.delete(network(ip));
  }
}

export class TooManyAttempts extends ProvostError {
  readonly retryAfterSeconds: number;

  constructor(waitMs: number) {
    const seconds = Math.ceil(waitMs / 1_000);
    super("too_many_attempts", `From this address ${failuresMax} sign-ins have failed: wait ${seconds} s.`);
    this.retryAfterSeconds = seconds;
  }
}

/** Whoever has an IPv6 address has 2^64 of them. */
function network(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined || !isIPv6(ip)) return mapped ?? ip;
  const [head = "", tail] = (ip.split("%")[0] ?? "").split("::");
  const groups = head.split(":").filter((each) => each !== "");
  const after = (tail ?? "").split(":").filter((each) => each !== "");
  const between = Math.max(8 - groups.length - after.length, 0);
  return [...groups, ...Array.from({ length: between }, () => "0"), ...after]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
