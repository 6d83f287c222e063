/**
 * Runs `work` one at a time with a pause after each, however often it is asked for. Who asks while it runs gets the next
 * run, since this one may have read too early. What it answers is settled when that run is over; failures are the work's own.
 */
export function settled(work: () => Promise<void>, pauseMs: number): () => Promise<void> {
  let next: Promise<void> | undefined;
  let free: Promise<unknown> = Promise.resolve();
  return () => {
    next ??= free.then(() => {
      next = undefined;
      const run = work().catch(() => {});
      free = run.then(() => new Promise((resolve) => setTimeout(resolve, pauseMs)));
      return run;
    });
    return next;
  };
}
