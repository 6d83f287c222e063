import type { Claimed } from "../transporter.ts";
import type { Connections } from "./connections.ts";

/** Jobs taken from a group before its mark is moved on: so many dead entries a claim may walk over. */
export const lowWaterJobs = 2_000;
/** What goes past the rules (a restored dump, a hand in the tables) is found when the marks are made anew. */
const keptMs = 60_000;
/** Priorities and numbers of attempts of one line that have a mark: each costs every claim two look-ups. */
const groupsMax = 8;

/** Jobs of one line, priority and number of attempts used, and the id below which none of them is left. */
interface Group {
  readonly queue: string;
  readonly lane: string;
  readonly rank: number;
  readonly used: number;
  mark: string;
  /** Where the mark may go at most, once these transactions are gone. */
  bound: string | null;
  writers: string[];
  /** Since the mark was last moved. */
  claimed: number;
  isMoving: boolean;
  readonly since: number;
}

/**
 * A part of a line. `ranks`: between two ranks; `used`: of one rank, between two numbers of attempts used, all without both; of one group
 * `late`, what came back below the mark, and `rest`, all from the mark on.
 */
type Part =
  | { part: "ranks"; rank: number; below: number }
  | { part: "used"; rank: number; used: number; below: number }
  | { part: "late" | "rest"; rank: number; used: number; id: string };

const none = "0";
/** Of `smallint`, beyond all ranks and attempts. */
const edge = 32_767;

/** The marks of one Transporter. Losing one costs a claim a long walk, never a job. */
export class LowWater {
  readonly #lines = new Map<string, Map<string, Group>>();
  readonly #connections: Pick<Connections, "query">;
  readonly #schema: string;
  readonly #jobs: number;

  /** @param jobs see `lowWaterJobs`. */
  constructor(connections: Pick<Connections, "query">, schema: string, jobs: number) {
    this.#connections = connections;
    this.#schema = schema;
    this.#jobs = jobs;
  }

  /** The line in its order, in parts that a claim walks one after the other; undefined where there is no mark. */
  parts(queue: string, lane: string): Part[] | undefined {
    const groups = this.#marked(lineOf(queue, lane));
    if (groups.length === 0) return undefined;
    const parts: Part[] = [];
    let before = -edge;
    for (const [rank, ofRank] of Map.groupBy(groups, (group) => group.rank)) {
      parts.push({ part: "ranks", rank: before, below: rank });
      let usedBefore = -1;
      for (const { used, mark: id } of ofRank) {
        parts.push({ part: "used", rank, used: usedBefore, below: used });
        parts.push({ part: "late", rank, used, id }, { part: "rest", rank, used, id });
        usedBefore = used;
      }
      parts.push({ part: "used", rank, used: usedBefore, below: edge });
      before = rank;
    }
    return [...parts, { part: "ranks", rank: before, below: edge }];
  }

  /** In the order of L1, those that are not too old. */
  #marked(line: string): Group[] {
    const groups = this.#lines.get(line);
    if (groups === undefined) return [];
    const oldest = performance.now() - keptMs;
    for (const [key, { since }] of groups) if (since < oldest) groups.delete(key);
    return [...groups.values()]
      .filter(({ mark }) => mark !== none)
      .toSorted((a, b) => a.rank - b.rank || a.used - b.used);
  }

  /** Counts what a claim has brought, and has the marks moved on that are worth it. */
  claimed(jobs: readonly Claimed[]): void {
    let group: Group | undefined;
    for (const { queue, lane, priority, attemptsUsed: used } of jobs) {
      if (group?.queue !== queue || group.lane !== lane || group.rank !== -priority || group.used !== used)
        group = this.#groupOf(queue, lane, -priority, used);
      group.claimed += 1;
      if (group.claimed >= this.#jobs && !group.isMoving) void this.#move(group);
    }
  }

  #groupOf(queue: string, lane: string, rank: number, used: number): Group {
    const line = lineOf(queue, lane);
    let groups = this.#lines.get(line);
    if (groups === undefined) this.#lines.set(line, (groups = new Map()));
    const key = `${rank} ${used}`;
    const group = groups.get(key) ?? unmarked(queue, lane, rank, used);
    // The one that was claimed from last comes last.
    groups.delete(key);
    groups.set(key, group);
    const [oldest] = groups.keys();
    if (groups.size > groupsMax && oldest !== undefined) groups.delete(oldest);
    return group;
  }

  async #move(group: Group): Promise<void> {
    group.isMoving = true;
    try {
      const { queue, lane, rank, used, mark, bound, writers } = group;
      const [moved] = await this.#connections.query<Pick<Group, "mark" | "bound" | "writers">>(
        `SELECT * FROM ${this.#schema}.low_water($1, $2, $3, $4, $5, $6, $7)`,
        [queue, lane, rank, used, mark, bound, writers],
      );
      Object.assign(group, moved, { claimed: 0 });
    } catch {
      // The store is away: the next claim that brings jobs tries again.
    } finally {
      group.isMoving = false;
    }
  }
}

function lineOf(queue: string, lane: string): string {
  return `${lane} ${queue}`;
}

function unmarked(queue: string, lane: string, rank: number, used: number): Group {
  const since = performance.now();
  return { queue, lane, rank, used, mark: none, bound: null, writers: [], claimed: 0, isMoving: false, since };
}
