import type { SweepView } from "@provost/contract";
import type { Selectable } from "kysely";
import { instant, iso } from "../storage/rows.ts";
import type { SweepTable } from "../sweeps/tables.ts";

/** How far an account's sweep is, as people see it. */
export function sweepView(row: Selectable<SweepTable> & { feed_read_at: number | string | null }): SweepView {
  const beganAt = instant(row.complete_began_at);
  const endedAt = instant(row.complete_ended_at);
  const feedReadAt = instant(row.feed_read_at);
  return {
    provider: row.account,
    number: row.number,
    state: row.state,
    startedAt: iso(Number(row.began_at)),
    pages: row.pages,
    instances: row.seen,
    errors: row.errors,
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
    ...(beganAt === null || endedAt === null
      ? {}
      : {
          complete: {
            number: row.complete,
            startedAt: iso(beganAt),
            endedAt: iso(endedAt),
            seconds: (endedAt - beganAt) / 1_000,
            pages: row.complete_pages,
            instances: row.complete_seen,
            lines: row.complete_lines,
          },
        }),
    ...(feedReadAt === null ? {} : { feedReadAt: iso(feedReadAt) }),
  };
}
