import { assert, double, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { costUsd } from "./cost.ts";

const hour = 3_600_000;
const price = { monthlyUsd: 5, hourlyUsd: 0.0075 };

test.each([
  [0, 0],
  [1, 0.01],
  [hour, 0.01],
  [100 * hour, 0.75],
  // 667 hours at 0.0075 are more than the month's price.
  [729 * hour, 5],
  [730 * hour, 5],
  [1_460 * hour, 10],
])("C8: after %d ms a server has cost $%d", (ageMs, cost) => {
  expect(costUsd(price, ageMs)).toBe(cost);
});

test("C8: without an hourly price a month costs its price", () => {
  expect(costUsd({ monthlyUsd: 7.3 }, 10 * hour)).toBe(0.1);
  expect(costUsd({ monthlyUsd: 7.3 }, 730 * hour)).toBe(7.3);
});

test("C8: cost never falls, and no month costs more than its price", () => {
  assert(
    property(
      double({ min: 0, max: 1, noNaN: true }),
      integer({ min: 0, max: 50_000 }),
      integer({ min: 0, max: 2_000 }),
      (hourlyUsd, hours, more) => {
        const one = costUsd({ monthlyUsd: 20, hourlyUsd }, hours * hour);
        const other = costUsd({ monthlyUsd: 20, hourlyUsd }, (hours + more) * hour);
        return other >= one && one <= Math.ceil(hours / 730) * 20 + 0.01;
      },
    ),
  );
});
