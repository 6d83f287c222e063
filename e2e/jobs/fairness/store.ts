import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transporter } from "@provost/jobs";
import { sqlite } from "@provost/jobs/sqlite";

/** Runs `fn` on a store of its own, gone afterwards. */
export async function onFreshStore<T>(fn: (transporter: Transporter) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "provost-prove-"));
  const transporter = sqlite(join(folder, "jobs.db"));
  try {
    await transporter.start();
    return await fn(transporter);
  } finally {
    await transporter.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The value below which a part (0 to 1) of the values lies; 0 for none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
