import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, expect } from "vitest";
import { defineSchedule, type JobManager, type ManagerEvent, type Tick, type Transporter } from "../../src/index.ts";
import { managed, Witness } from "./harness.ts";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A manager in a process of its own: `place` is a file, or a connection string and a schema. */
function worker(place: string, everyMs: number, holdFrom: number): { child: ChildProcess; witness: Witness } {
  const script = fileURLToPath(new URL("schedule-worker.ts", import.meta.url));
  const child = fork(script, [place, String(everyMs), String(holdFrom)], {
    execArgv: ["--conditions=source"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  children.push(child);
  const witness = new Witness();
  child.on("message", (event: ManagerEvent) => witness.tell(event));
  return { child, witness };
}

/** The whole log of one shard, the earliest due first. */
export async function logOf(manager: JobManager, name: string, shard = 0): Promise<Tick[]> {
  return (await manager.schedules.ticks(name, { shard, limit: 1_000 })).toReversed();
}

/** No due time is missing from the log, and none is there twice. */
export function expectNoGap(ticks: readonly Tick[], everyMs: number): void {
  const first = ticks[0]?.dueAt ?? 0;
  expect(ticks.map(({ dueAt }) => dueAt)).toEqual(ticks.map((_, index) => first + index * everyMs));
}

export const processedOf = (name: string) => (event: { name: string; outcome: string }) =>
  event.name === name && event.outcome === "processed";

/** kill -9 of the leader in the midst of a run, on the store at `place`, which `transporter` has open. */
export async function killedMidTick(transporter: Transporter, place: string): Promise<void> {
  const everyMs = 200;
  const { child, witness: remote } = worker(place, everyMs, 3);
  const pulse = defineSchedule("pulse", { every: everyMs, first: 0, run: ({ cursor }) => cursor + 1 });
  const { manager, witness } = managed({ transporter, jobs: [pulse], lease: 1_000 });
  await remote.until("job.log", ({ message }) => message === "held");
  await manager.start();
  const before = await transporter.now();
  child.kill("SIGKILL");
  const [elected] = await witness.until("leader.elected");
  const takeover = (await transporter.now()) - before;
  await witness.until("attempt.settled", processedOf("pulse"), 3);
  await manager.stop();
  const ticks = await logOf(manager, "pulse");
  expectNoGap(ticks, everyMs);
  const runs = ticks.filter(({ jobId }) => jobId !== undefined);
  expect(runs.slice(0, 7).map(({ outcome, cursorAfter }) => [outcome, cursorAfter])).toEqual([
    ["processed", "1"],
    ["processed", "2"],
    ["processed", "3"],
    // The one that died with its manager.
    ["failed", "3"],
    ["processed", "4"],
    ["processed", "5"],
    ["processed", "6"],
  ]);
  expect(elected).toMatchObject({ fence: 2 });
  console.log(
    `takeover ${takeover} ms after kill -9 with a lease of 1,000 ms; ${ticks.length} ticks, none missing or doubled`,
  );
}
