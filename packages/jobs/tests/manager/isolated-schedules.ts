import { defineSchedule, type ScheduleContext } from "../../src/index.ts";

/** Schedules whose runs have a thread or a child of their own: a module of nothing but definitions. */

const rules = { every: "1d", shards: 2, module: import.meta.url } as const;
const first: string[] = [];

function run({ cursor, shard, shards, log }: ScheduleContext<string[]>): string[] {
  log("ran", { pid: process.pid });
  return [...cursor, `${shard} of ${shards}`];
}

export const walk = defineSchedule("walk", { ...rules, process: "thread", first, run });
export const nightWatch = defineSchedule("night-watch", { ...rules, process: "process", first, run });
