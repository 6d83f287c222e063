import { jobStatuses, type JobFilter, type JobStatusName } from "./words.ts";
import type { Query } from "../list/query.ts";

/** What a search of jobs may be made of; `key:` is a unique or a wake key. */
export const jobKeys = ["status", "name", "queue", "priority", "flow", "id", "key"] as const;

export interface JobSearch {
  /** Query parameters of the list. */
  params: Partial<Record<(typeof jobKeys)[number], string>>;
  /** Body of an act on all that fit; undefined where only the list can be narrowed so (`id:`, `key:`). */
  filter: JobFilter | undefined;
  problem: string | undefined;
}

const digits = /^[1-9]\d{0,17}$/;

/** A search as the API takes it. Of free words a number is an id, another one a name. */
export function jobSearch({ terms, words, problem }: Query): JobSearch {
  const params: JobSearch["params"] = { ...terms };
  if (words !== "") params[digits.test(words) ? "id" : "name"] ??= words;
  const wrong = problem ?? problemOf(params);
  const { id, key, priority, ...rest } = params;
  const filter = { ...rest, ...(priority === undefined ? {} : { priority: Number(priority) }) };
  return {
    params,
    filter: wrong === undefined && id === undefined && key === undefined ? filter : undefined,
    problem: wrong,
  };
}

function problemOf({ status, priority, flow, id, ...single }: JobSearch["params"]): string | undefined {
  const unknown = status?.split(",").find((each) => !(jobStatuses as readonly string[]).includes(each));
  if (unknown !== undefined) return `"${unknown}" is no status: there are ${jobStatuses.join(", ")}`;
  if (priority !== undefined && !(/^\d{1,3}$/.test(priority) && Number(priority) <= 255))
    return `"${priority}" is no priority: it is a whole number from 0 to 255`;
  for (const [name, value] of Object.entries({ flow, id }))
    if (value !== undefined && !digits.test(value))
      return `"${value}" is no id of a ${name === "id" ? "job" : "flow"}: it has digits only`;
  const many = Object.entries(single).find(([, value]) => value?.includes(","));
  return many && `"${many[0]}:" takes one value: only status: takes alternatives`;
}

/** The status whose tab is open; "all" without one; undefined where several are asked for. */
export function tabOf({ terms }: Query): JobStatusName | "all" | undefined {
  const { status } = terms;
  return status === undefined ? "all" : jobStatuses.find((each) => each === status);
}
