import type { RangeMs } from "../clock/random.ts";
import type { PassingStatus } from "./transitions.ts";

/**
 * How long an instance takes. Everything follows from one figure, `bootMs`: the time from an accepted create to the
 * instance's report `ready`, so that a demo or a test has one knob.
 */
export interface Timings {
  /** How long each passing state lasts. */
  statusMs: Readonly<Record<PassingStatus, RangeMs>>;
  /** How long a snapshot, and an image of a disk, take beside what the instance does. */
  snapshotMs: RangeMs;
  imageMs: RangeMs;
  /** From `running` to the first boot's report `booting`. */
  firstReportMs: RangeMs;
  /** From `booting` accepted to `configuring`. */
  configuringAfterMs: RangeMs;
  /** From `configuring` accepted to `ready` or `failed`: the boot script at work. */
  scriptMs: RangeMs;
  /** Wait before a report is tried again: doubles from `min` to `max`. */
  retryMs: RangeMs;
  /** A report not accepted for this long is given up, with all that would follow. */
  retryForMs: number;
}

function share(bootMs: RangeMs, part: number): RangeMs {
  // At least 1 ms: a state of no length would not be seen, and its end would carry the same instant as its begin.
  return [Math.max(1, bootMs[0] * part), Math.max(1, bootMs[1] * part)];
}

/** A first boot is split 45% provisioning, 20% booting, 5% until `booting`, 10% until `configuring`, 20% script. */
export function timingsFor(bootMs: RangeMs, retryMs: RangeMs, retryForMs: number): Timings {
  return {
    statusMs: {
      provisioning: share(bootMs, 0.45),
      booting: share(bootMs, 0.2),
      rebooting: share(bootMs, 0.35),
      shutting_down: share(bootMs, 0.25),
      deleting: share(bootMs, 0.2),
      resizing: share(bootMs, 0.6),
      rebuilding: share(bootMs, 0.45),
      restoring: share(bootMs, 0.45),
    },
    snapshotMs: share(bootMs, 0.4),
    imageMs: share(bootMs, 0.5),
    firstReportMs: share(bootMs, 0.05),
    configuringAfterMs: share(bootMs, 0.1),
    scriptMs: share(bootMs, 0.2),
    retryMs,
    retryForMs,
  };
}
