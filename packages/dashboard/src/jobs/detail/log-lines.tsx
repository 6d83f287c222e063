import type { JobLogLine } from "@provost/contract";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { absoluteTime } from "../../format/time.ts";
import { Button } from "../../ui/button.tsx";
import { classes } from "../../ui/classes.ts";
import { fieldText } from "./log-text.ts";

const lineHeight = 20;
const nearPx = 30;

/** Any number of lines; follows their end until one scrolls up. */
export function LogLines({ lines, empty }: { lines: readonly JobLogLine[]; empty: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => lineHeight,
    getItemKey: (index) => lines[index]?.seq ?? index,
    overscan: 20,
  });
  useEffect(() => {
    if (following && lines.length > 0) virtual.scrollToIndex(lines.length - 1);
  }, [following, lines.length, virtual]);
  return (
    <div className="relative flex min-h-64 flex-1 flex-col">
      <div
        ref={box}
        role="log"
        aria-label="Log"
        tabIndex={0}
        className="absolute inset-0 overflow-auto bg-panel py-2 font-mono text-xs"
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
          setFollowing(scrollHeight - scrollTop - clientHeight < nearPx)
        }
      >
        {lines.length === 0 && <p className="px-4 py-1 font-sans text-sm text-muted md:px-6">{empty}</p>}
        <div className="relative" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start, key }) => {
            const line = lines[index];
            if (line === undefined) return null;
            return (
              <div
                key={key}
                ref={virtual.measureElement}
                data-index={index}
                className="absolute inset-x-0 top-0"
                style={{ transform: `translateY(${start}px)` }}
              >
                <Line line={line} first={index > 0 && lines[index - 1]?.fence !== line.fence} />
              </div>
            );
          })}
        </div>
      </div>
      {!following && (
        <Button icon={ArrowDown} className="absolute right-6 bottom-4 shadow-float" onClick={() => setFollowing(true)}>
          Jump to latest
        </Button>
      )}
    </div>
  );
}

function Line({ line: { at, stream, message, fields }, first }: { line: JobLogLine; first: boolean }) {
  const more = fieldText(fields);
  return (
    <div className={classes("flex gap-3 px-4 leading-5 hover:bg-hover md:px-6", first && "border-t border-line")}>
      <time dateTime={at} title={absoluteTime(Date.parse(at))} className="shrink-0 text-faint select-none">
        {new Date(at).toLocaleTimeString("en-GB")}
      </time>
      <span
        className={classes("w-12 shrink-0 select-none max-md:hidden", stream === "stderr" ? "text-bad" : "text-faint")}
      >
        {stream}
      </span>
      <span className="min-w-0 break-words whitespace-pre-wrap">
        {message}
        {more !== "" && <span className="ml-2 text-muted">{more}</span>}
      </span>
    </div>
  );
}
