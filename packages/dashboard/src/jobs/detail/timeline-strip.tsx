import type { JobDetail } from "@provost/contract";
import { useNow } from "../../format/clock.ts";
import { absoluteTime, exactDuration } from "../../format/time.ts";
import { classes } from "../../ui/classes.ts";
import { endOf, stripOf, sumsOf, type StripPiece } from "./timeline.ts";

const ends: Record<string, string> = { processed: "bg-good", failed: "bg-bad", cancelled: "bg-faint" };

/** A job's life on one line: waits hatched, runs solid, its end a mark. */
export function TimelineStrip({ job: { timeline } }: { job: JobDetail }) {
  const now = useNow();
  const first = timeline[0];
  const last = timeline.at(-1);
  if (first === undefined || last === undefined) return null;
  const start = Date.parse(first.from);
  const { waitedMs, ranMs } = sumsOf(timeline, now);
  return (
    <div className="flex flex-col gap-1.5">
      <div
        role="img"
        aria-label={`Waited ${exactDuration(waitedMs)}, ran ${exactDuration(ranMs)}, in ${timeline.length} stretches`}
        className="relative h-5 overflow-hidden rounded-sm bg-pressed"
      >
        {stripOf(timeline, now).map((piece) => (
          <Piece key={`${piece.stretch.from}-${piece.stretch.status}`} piece={piece} now={now} />
        ))}
      </div>
      <div className="flex flex-wrap justify-between gap-x-4 text-xs text-faint">
        <time dateTime={first.from}>{absoluteTime(start)}</time>
        <span className="text-muted">
          <Swatch className="job-wait" /> waited {exactDuration(waitedMs)}
          <Swatch className="ml-3 bg-busy" /> ran {exactDuration(ranMs)}
        </span>
        <span>
          {last.status in ends ? `${last.status} after ${exactDuration(endOf(timeline, now) - start)}` : "now"}
        </span>
      </div>
    </div>
  );
}

function Swatch({ className }: { className: string }) {
  return <span aria-hidden className={classes("mr-1 inline-block size-2.5 rounded-xs align-[-1px]", className)} />;
}

function Piece({ piece: { from, to, kind, stretch }, now }: { piece: StripPiece; now: number }) {
  const { status, cause } = stretch;
  const took = (stretch.to === undefined ? now : Date.parse(stretch.to)) - Date.parse(stretch.from);
  const words = kind === "end" ? status : `${status} ${exactDuration(took)}`;
  const failed = cause !== undefined && cause !== "released" && cause !== "deferred";
  return (
    <span
      title={cause === undefined ? words : `${words}, ${cause}`}
      style={{ left: `${from * 100}%`, width: kind === "end" ? 4 : `${(to - from) * 100}%` }}
      className={classes(
        "absolute inset-y-0 min-w-0.5",
        kind === "waiting" && "job-wait",
        kind === "running" && (failed ? "bg-bad" : "bg-busy"),
        kind === "end" && classes("-translate-x-1", ends[status]),
      )}
    />
  );
}
