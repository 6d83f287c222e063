import { readdirSync, readFileSync } from "node:fs";

/** Linux counts in hundredths of a second here (USER_HZ), whatever its own clock is. */
const ticksPerSecond = 100;

interface Stat {
  pid: number;
  parent: number;
  /** Its own, and that of its children which have ended. */
  ticks: number;
}

/** @returns undefined for a process that is gone. */
function statOf(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The second field is the name, in parentheses, which may hold spaces.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
  return { pid, parent: fields[1] ?? 0, ticks: utime + stime + cutime + cstime };
}

function everyProcess(): Stat[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
}

/** Ids of these processes and of all below them. */
export function processesUnder(roots: readonly number[]): number[] {
  return statsUnder(roots).map(({ pid }) => pid);
}

/** CPU seconds that these processes and all below them have used, those that have ended included. */
export function cpuSecondsUnder(roots: readonly number[]): number {
  return statsUnder(roots).reduce((sum, { ticks }) => sum + ticks, 0) / ticksPerSecond;
}

function statsUnder(roots: readonly number[]): Stat[] {
  const all = everyProcess();
  const found = new Map(all.filter(({ pid }) => roots.includes(pid)).map((stat) => [stat.pid, stat]));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const stat of all) if (found.has(stat.parent)) found.set(stat.pid, stat);
  }
  return [...found.values()];
}

/** Memory that is these processes' own, with their part of what they share; MB. */
export function pssMbUnder(roots: readonly number[]): number {
  const kb = processesUnder(roots).map((pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
    } catch {
      return 0; // It has ended.
    }
  });
  return kb.reduce((sum, each) => sum + each, 0) / 1_024;
}
