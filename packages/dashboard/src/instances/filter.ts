import type { Query } from "../list/query.ts";

/** Which records a list has: those that live, the failed that are still there, or all that ever were. */
export const views = ["live", "failed", "all"] as const;
export type View = (typeof views)[number];

export const filterKeys = ["provider", "region", "status", "type", "tag", "name"] as const;

/**
 * A list's search as a filter of the fleets API, which has the same terms: a name stands for how it begins. Undefined where it
 * has free words, which mean more than one term can say.
 */
export function fleetFilter({ terms, words, problem }: Query): string | undefined {
  if (words !== "" || problem !== undefined) return undefined;
  const given = Object.entries(terms).map(([key, value]) =>
    key === "name"
      ? `name:${value
          .split(",")
          .map((each) => `${each}*`)
          .join(",")}`
      : `${key}:${value}`,
  );
  return given.length === 0 ? "name:*" : given.join(" ");
}
