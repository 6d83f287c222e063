import { useNow } from "../format/clock.ts";
import { absoluteTime, relativeTime, shortDuration } from "../format/time.ts";

/** `3m ago`, with the instant itself on hover. */
export function RelativeTime({ at, short = false }: { at: string | undefined; short?: boolean }) {
  const now = useNow();
  if (at === undefined) return <span className="text-faint">–</span>;
  const instant = Date.parse(at);
  return (
    <time dateTime={at} title={absoluteTime(instant)} className="whitespace-nowrap">
      {short ? shortDuration(now - instant) : relativeTime(instant, now)}
    </time>
  );
}
