import { limits } from "../../core/limits.ts";
import { checkBatch } from "../bounds.ts";
import type { BrowseStore } from "../browse.ts";
import type { LogStore } from "../logs.ts";
import type { MinuteStore } from "../minutes.ts";
import type { Ask } from "./schedules.ts";

/** Looking through jobs, over the reader's thread. */
export function sqliteBrowse(read: Ask): BrowseStore {
  return {
    find: async (query) => {
      checkBatch("find", query.limit);
      return read("find", [{ ...query, looksMax: Math.min(query.looksMax, limits.browseLooksMax) }]);
    },
    briefs: async (ids) => {
      checkBatch("briefs", ids.length);
      return read("briefs", [ids]);
    },
    members: (flowId) => read("members", [flowId]),
    byKey: (key) => read("byKey", [key]),
    claimedBy: async (manager, limit) => {
      checkBatch("claimedBy", limit);
      return read("claimedBy", [manager, limit]);
    },
  };
}

export function sqliteMinutes(read: Ask, write: Ask): MinuteStore {
  return {
    put: async (manager, rows, level) => {
      checkBatch("minutes", rows.length);
      if (rows.length === 0 && level === undefined) return;
      await write("putMinutes", level === undefined ? [manager, rows] : [manager, rows, level]);
    },
    read: (from) => read("readMinutes", [from]),
  };
}

export function sqliteLogs(read: Ask, write: Ask): LogStore {
  return {
    add: async (lines) => {
      checkBatch("log lines", lines.length);
      if (lines.length > 0) await write("addLines", [lines]);
    },
    read: async (query) => {
      checkBatch("log lines", query.limit);
      return read("readLines", [query]);
    },
  };
}
