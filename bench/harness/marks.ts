import { BenchError } from "../bench-error.ts";
import { markEvery } from "./operations.ts";

/**
 * Jobs per second between two numbers of ended jobs, both whole thousands; 0 is not one of them.
 *
 * @throws BenchError `not_ended`: the run did not get so far.
 */
export function rateBetween(marks: readonly number[], from: number, to: number): number {
  const [start, end] = [marks[from / markEvery - 1], marks[to / markEvery - 1]];
  if (start === undefined || end === undefined) {
    throw new BenchError("not_ended", `${marks.length * markEvery} jobs ended where ${from} to ${to} were to be timed`);
  }
  return ((to - from) / (end - start)) * 1_000;
}
