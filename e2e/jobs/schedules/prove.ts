/**
 * `npm run prove:schedules`: the leader of the clock is killed (`kill -9`) in the midst of a run, several times; then two processes lead that
 * both believe they are the leader. In the log every due time stands once; a run that fails leaves the cursor, and the next tick comes on time; four
 * shards walk a list of 1,000 pages, each page once in a cycle (L13).
 */
import { fork, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { JobManager, type Tick } from "@provost/jobs";
import { percentile, prove, ProofError, type Ground } from "../proof.ts";
import { storeAt } from "../store-at.ts";
import { killed, onThrowawayStore, type ProofStore } from "../stores.ts";
import { everyMs, failsAt, leaseMs, walkShards, type Page } from "./clocks.ts";
import { brokenCursors, gapsIn, TickLog } from "./tick-log.ts";
import type { Told } from "./worker.ts";

const workerScript = fileURLToPath(new URL("worker.ts", import.meta.url));
const eventMsMax = 60_000;
const believingMs = 15_000;
const shards = [
  ...(["pulse", "steady", "flaky"] as const).map((name) => [name, 0] as const),
  ...Array.from({ length: walkShards }, (_, shard) => ["walk", shard] as const),
];

type Sizes = Ground<"kills" | "pages" | "cycles">;

/** A worker, and what it has told. */
class Worker {
  readonly child: ChildProcess;
  readonly told: (Told & { at: number })[] = [];

  constructor({ address, folder }: ProofStore, pages: number, role: "honest" | "believer") {
    const args = [address, join(folder, "runs.ledger"), String(pages), role];
    this.child = fork(workerScript, args, { execArgv: process.execArgv });
    this.child.on("message", (told: Told) => this.told.push({ ...told, at: Date.now() }));
  }

  /** When it told of this first, ms. @throws ProofError `not_ended`. */
  async first(event: Told["event"]): Promise<number> {
    for (const end = Date.now() + eventMsMax; Date.now() < end; await pause(5)) {
      const found = this.told.find((told) => told.event === event);
      if (found !== undefined) return found.at;
    }
    throw new ProofError("not_ended", `a worker did not tell of ${event} within ${eventMsMax} ms`);
  }

  /** Ticks whose runs it enqueued. */
  get fired(): number {
    return this.told.filter((told) => told.event === "tick.fired" && told.shard.state === "started").length;
  }
}

/** Kills the leader in the midst of a run, again and again; another stands by each time. Ms to the next one's election. */
async function killLeaders(start: () => Worker, kills: number): Promise<{ takeovers: number[]; last: Worker }> {
  const takeovers: number[] = [];
  let leader = start();
  await leader.first("leader.elected");
  for (let n = 0; n < kills; n += 1) {
    const next = start();
    await next.first("manager.started");
    leader.child.send("hold");
    await leader.first("held");
    const killedAt = Date.now();
    await killed(leader.child);
    takeovers.push((await next.first("leader.elected")) - killedAt);
    leader = next;
    // What the dead one held is failed by now, and the clock has gone on.
    await pause(2 * leaseMs);
  }
  return { takeovers, last: leader };
}

async function walked(manager: JobManager, log: TickLog, cycles: number): Promise<void> {
  for (;;) {
    await log.read();
    const { cursors } = await manager.schedules.get("walk");
    const pages = cursors.map((cursor) => (JSON.parse(cursor ?? '{"cycle":0}') as Page).cycle);
    if (pages.every((cycle) => cycle >= cycles)) return;
    await pause(2_000);
  }
}

function checkLog(log: TickLog, { check }: Sizes): void {
  const gaps = shards.flatMap(([name, shard]) => gapsIn(log.of(name, shard), everyMs[name]));
  const lines = shards.reduce((sum, [name, shard]) => sum + log.of(name, shard).length, 0);
  check(
    gaps.length + log.doubled === 0,
    `${lines} ticks in the log: ${gaps.length} due times are not there, ${log.doubled} twice`,
  );
  const steady = log.of("steady").filter(({ outcome }) => outcome === "missed" || outcome === "skipped");
  check(
    steady.length === 0,
    `every ${everyMs.steady} ms, slower than a takeover: ${steady.length} of ${log.of("steady").length} ticks had no run`,
  );
  const broken = shards.flatMap(([name, shard]) => brokenCursors(log.of(name, shard)));
  check(broken.length === 0, `cursors went from run to run: ${broken.length} did not`);
}

/** A run has one attempt: a line for it stands once in the ledger of the handlers. */
function checkRuns(lines: readonly string[], { check }: Sizes): void {
  const runs = lines.map((line) => line.split(" ", 3).join(" "));
  const twice = runs.length - new Set(runs).size;
  check(runs.length > 0 && twice === 0, `${runs.length} runs began, ${twice} of them twice`);
}

/** Of ticks after `since`, when nobody is killed any more. */
function checkFlaky(ticks: readonly Tick[], since: number, { check }: Sizes): void {
  const late = ticks.filter(({ dueAt, outcome }) => dueAt > since && outcome !== "fired");
  const failed = late.filter(({ outcome }) => outcome === "failed");
  const own = late.filter(({ dueAt }) => failsAt(dueAt));
  const stayed = failed.filter(({ cursorBefore, cursorAfter }) => cursorBefore === cursorAfter);
  check(
    failed.length > 0 && failed.length === own.length && stayed.length === failed.length,
    `${failed.length} of ${late.length} runs failed, ${own.length} should; ${stayed.length} left the cursor`,
  );
  const next = late.filter((_, index) => late[index - 1]?.outcome === "failed");
  const lags = next.map(({ lagMs }) => lagMs ?? Number.POSITIVE_INFINITY);
  const [p50, worst] = [percentile(lags, 0.5), Math.max(0, ...lags)];
  check(
    next.length > 0 && worst < everyMs.flaky,
    `the ticks after them ran on time: p50 ${p50} ms late, worst ${worst} ms`,
  );
}

/** By the log: runs whose end was committed. What a killed process had begun was begun again. */
function checkPages(log: TickLog, { numbers, check }: Sizes): void {
  const seen = new Map<string, number>();
  for (let shard = 0; shard < walkShards; shard += 1) {
    for (const { outcome, cursorBefore } of log.of("walk", shard).filter((tick) => tick.outcome === "processed")) {
      const { cycle, step } = JSON.parse(cursorBefore ?? '{"cycle":0,"step":0}') as Page;
      if (cycle >= numbers.cycles) continue;
      const page = `${cycle}/${step * walkShards + shard} ${outcome}`;
      seen.set(page, (seen.get(page) ?? 0) + 1);
    }
  }
  const twice = [...seen.values()].filter((times) => times > 1).length;
  const wanted = numbers.pages * numbers.cycles;
  check(
    seen.size === wanted && twice === 0,
    `${walkShards} shards walked ${seen.size} of ${wanted} pages in ${numbers.cycles} cycles, ${twice} of them twice`,
  );
}

async function proveOn(store: ProofStore, ground: Sizes): Promise<void> {
  const { numbers, say, check } = ground;
  const transporter = storeAt(store.address);
  const manager = new JobManager({ transporter });
  const workers: Worker[] = [];
  const start = (role: "honest" | "believer"): Worker => {
    const worker = new Worker(store, numbers.pages, role);
    workers.push(worker);
    return worker;
  };
  try {
    await transporter.start();
    const log = new TickLog(manager, shards);
    const { takeovers, last } = await killLeaders(() => start("honest"), numbers.kills);
    const worst = Math.max(0, ...takeovers);
    check(
      takeovers.length > 0 && worst <= leaseMs,
      `${numbers.kills} leaders killed in the midst of a run: another after ${takeovers.join(", ")} ms (at most a lease, ${leaseMs} ms)`,
    );
    await log.read();
    const believers = [start("believer"), start("believer")];
    await Promise.all(believers.map((worker) => worker.first("manager.started")));
    await killed(last.child);
    // What that one held has been failed.
    const since = (await transporter.now()) + 2 * leaseMs;
    await pause(2 * leaseMs + believingMs);
    await walked(manager, log, numbers.cycles);
    const fired = believers.map((worker) => worker.fired);
    check(
      fired.every((count) => count > 0),
      `two that both believe they lead fired ${fired.join(" and ")} ticks`,
    );
    const errors = workers.flatMap(({ told }) => told.filter(({ event }) => event === "service.error"));
    say(`${errors.length} errors of services ${JSON.stringify(errors.slice(0, 2))}`);
    await Promise.all(workers.map(({ child }) => killed(child)));
    await log.read();
    checkLog(log, ground);
    checkRuns(readFileSync(join(store.folder, "runs.ledger"), "utf8").split("\n").slice(0, -1), ground);
    checkFlaky(log.of("flaky"), since, ground);
    checkPages(log, ground);
  } finally {
    await Promise.all(workers.map(({ child }) => killed(child)));
    await transporter.stop();
  }
}

await prove(
  {
    name: "schedules",
    about:
      "Leaders of the clock die in the midst of runs, and two lead at once: no tick is missing or doubled, cursors hold (L13).",
    numbers: {
      kills: { value: 3, about: "leaders killed in the midst of a run" },
      pages: { value: 1_000, about: "of the list that four shards walk: a multiple of four" },
      cycles: { value: 2, about: "through the whole list" },
    },
    minutesMax: 20,
  },
  async (ground) => onThrowawayStore(ground.kind, (store) => proveOn(store, ground)),
);
