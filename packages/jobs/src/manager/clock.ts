/** The manager's own time: monotonic, for its timers and for its view of leases. Instants that hosts compare are the store's. */
export interface Clock {
  /** ms since any fixed point; never goes back. */
  now(): number;
  /** Calls back once in `ms`, at most `timerMsMax`; what it returns takes that back and may be called at any time. */
  after(ms: number, callback: () => void): () => void;
}

/** Node's timers take at most 2³¹ − 1 ms and fire at once above that. */
export const timerMsMax = 2_147_483_647;

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.min(ms, timerMsMax));
    return () => clearTimeout(timer);
  },
};

/** Resolves when the promise settles either way, or after `ms`: nothing that is stopped waits without a bound. */
export async function settledWithin(promise: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  let cancel: (() => void) | undefined;
  const bound = new Promise<boolean>((resolve) => {
    cancel = clock.after(ms, () => resolve(false));
  });
  try {
    return await Promise.race([promise.then(settled, settled), bound]);
  } finally {
    cancel?.();
  }
}

function settled(): boolean {
  return true;
}
