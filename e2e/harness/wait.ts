import { setTimeout as delay } from "node:timers/promises";

export class WaitedInVain extends Error {
  override readonly name = "WaitedInVain";
}

/** Asks until the answer is true; the bound is there to end a proof that cannot succeed, not to measure. */
export async function waitFor(
  what: string,
  holds: () => Promise<boolean>,
  boundMs = 60_000,
  everyMs = 50,
): Promise<void> {
  const end = performance.now() + boundMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new WaitedInVain(`${what}: not within ${boundMs / 1000} s`);
    await delay(everyMs);
  }
}
