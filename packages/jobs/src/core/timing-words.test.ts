import { describe, expect, it } from "vitest";
import { nextRuns, type Timing } from "./timing.ts";
import { timingWords } from "./timing-words.ts";

const cron = (pattern: string, timeZone = "UTC"): Timing => ({ cron: pattern, timeZone });

describe("schedules in words", () => {
  const said: [Timing, string][] = [
    [{ everyMs: 300_000 }, "every 5 minutes"],
    [{ everyMs: 60_000 }, "every minute"],
    [{ everyMs: 90_000 }, "every 90 seconds"],
    [{ everyMs: 250 }, "every 250 ms"],
    [{ everyMs: 86_400_000 }, "every day"],
    [cron("* * * * *"), "every minute (UTC)"],
    [cron("*/5 * * * *"), "every 5 minutes (UTC)"],
    [cron("*/10 * * * * *"), "every 10 seconds (UTC)"],
    [cron("15 * * * *"), "every hour at minute 15 (UTC)"],
    [cron("0 */2 * * *"), "every 2 hours at minute 0 (UTC)"],
    [cron("0 3 * * *", "Europe/Berlin"), "at 03:00 every day (Europe/Berlin)"],
    [cron("30 9,17 * * 1-5"), "at 09:30 and 17:30 on Monday to Friday (UTC)"],
    [cron("0 0 1 * *"), "at 00:00 on day 1 of the month (UTC)"],
    [cron("0 0 L 3,6 *"), "at 00:00 on the last day of the month in March and June (UTC)"],
    [cron("0 12 * JAN SUN,7"), "at 12:00 on Sunday and Sunday in January (UTC)"],
    [cron("0 3 1-7 * MON"), "by the pattern 0 3 1-7 * MON (UTC)"],
    [cron("0 9-17 * * *"), "by the pattern 0 9-17 * * * (UTC)"],
  ];
  for (const [timing, words] of said) {
    it(`L13 ${JSON.stringify(timing)} is told as: ${words}`, () => expect(timingWords(timing)).toBe(words));
  }

  it("L13 the next runs follow one another as the rule says, over a change of daylight saving too", () => {
    const from = Date.UTC(2026, 2, 28, 12);
    const runs = nextRuns(cron("0 3 * * *", "Europe/Berlin"), from, 3);
    expect(runs.map((at) => new Date(at).toISOString())).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T01:00:00.000Z",
      "2026-03-31T01:00:00.000Z",
    ]);
    expect(nextRuns({ everyMs: 1_000 }, 500, 2)).toEqual([1_000, 2_000]);
    expect(nextRuns(cron("0 0 1 1 *"), from, 1)).toEqual([Date.UTC(2027, 0, 1)]);
  });
});
