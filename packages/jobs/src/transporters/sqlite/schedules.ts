import { checkBatch } from "../bounds.ts";
import type { LeaderSeat, ScheduleStore } from "../schedules.ts";
import type { OperationName, Operations } from "./protocol.ts";

/** Hands an operation to one of the store's two threads. */
export type Ask = <K extends OperationName>(op: K, args: Operations[K]["args"]) => Promise<Operations[K]["result"]>;

/** Schedules (L13): looks go to the reader, so that an idle clock writes nothing. */
export function sqliteSchedules(read: Ask, write: Ask): ScheduleStore {
  return {
    define: async (schedules, wantedMs) => {
      checkBatch("define schedules", schedules.length);
      if (schedules.length > 0) await write("scheduleDefine", [schedules, wantedMs]);
    },
    want: async (names, wantedMs) => {
      checkBatch("want schedules", names.length);
      if (names.length > 0) await write("scheduleWant", [names, wantedMs]);
    },
    due: async (limit) => {
      checkBatch("due schedules", limit);
      return read("scheduleDue", [limit]);
    },
    fire: async (firings) => {
      checkBatch("fire", firings.length);
      return firings.length === 0 ? [] : write("scheduleFire", [firings]);
    },
    fireNow: async (schedule, shards) =>
      write("scheduleFireNow", shards === undefined ? [schedule] : [schedule, shards]),
    change: async (schedule, change) => write("scheduleChange", [schedule, change]),
    list: async (query) => {
      checkBatch("list schedules", query.limit);
      return read("scheduleList", [query]);
    },
    ticks: async (query) => {
      checkBatch("ticks", query.limit);
      return read("scheduleTicks", [query]);
    },
  };
}

export function sqliteLeader(read: Ask, write: Ask): LeaderSeat {
  return {
    campaign: async (seat, manager, leaseMs) =>
      (await read("seatTaken", [seat, manager])) ?? write("campaign", [seat, manager, leaseMs]),
    resign: async (seat, manager) => {
      await write("resign", [seat, manager]);
    },
  };
}
