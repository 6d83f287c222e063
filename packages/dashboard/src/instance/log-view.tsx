import { ArrowDown, Download, Search } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type RefObject } from "react";
import { absoluteTime } from "../format/time.ts";
import { counted } from "../format/numbers.ts";
import { classes } from "../ui/classes.ts";
import { Button, IconButton } from "../ui/button.tsx";
import type { LogLine } from "./log-text.ts";

interface LogViewProps {
  title: string;
  lines: readonly LogLine[];
  /** Of the file that is downloaded. */
  name: string;
  /** More may come. */
  live: boolean;
}

/** A log that follows its end until one scrolls up, can be searched and taken along. */
export function LogView({ title, lines, name, live }: LogViewProps) {
  const [wanted, setWanted] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const follow = useFollow(box, lines.length);
  const found = useMemo(
    () => (wanted === "" ? lines : lines.filter(({ text }) => text.toLowerCase().includes(wanted.toLowerCase()))),
    [lines, wanted],
  );
  return (
    <section aria-label={title} className="relative flex min-h-72 flex-col rounded-lg border border-line bg-panel">
      <div className="flex h-10 shrink-0 items-center gap-2 border-b border-line pr-1 pl-3">
        <h2 className="truncate font-medium">{title}</h2>
        <span className="text-xs whitespace-nowrap text-faint">{counted(found.length, "line")}</span>
        <div className="flex-1" />
        <label className="relative">
          <Search aria-hidden size={13} className="absolute top-2 left-2 text-faint" />
          <input
            type="text"
            aria-label="Search the log"
            placeholder="Search"
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
            className="h-7 w-36 rounded-md border border-control/70 bg-canvas pl-7 text-xs max-sm:w-24"
          />
        </label>
        <IconButton
          icon={Download}
          label="Download the log"
          disabled={lines.length === 0}
          onClick={() => save(name, lines)}
        />
      </div>
      <div
        ref={box}
        tabIndex={0}
        role="log"
        aria-label={title}
        onScroll={follow.onScroll}
        className="max-h-[60vh] min-h-48 flex-1 overflow-auto p-3 font-mono text-xs leading-5 whitespace-pre-wrap break-words"
      >
        {found.map((line, index) => (
          <Line key={index} line={line} wanted={wanted} />
        ))}
        {found.length === 0 && <p className="font-sans text-muted">{emptyWords(wanted, live)}</p>}
      </div>
      {!follow.following && (
        <Button icon={ArrowDown} onClick={follow.jump} className="absolute right-3 bottom-3 shadow-float">
          Jump to latest
        </Button>
      )}
    </section>
  );
}

function emptyWords(wanted: string, live: boolean): string {
  if (wanted !== "") return `No line has “${wanted}”.`;
  if (live) return "Nothing yet: what the first-boot script writes shows up here while it runs.";
  return "It sent no log: a script's output shows up here when there is one.";
}

function Line({ line: { text, mark }, wanted }: { line: LogLine; wanted: string }) {
  return (
    <div className={classes(mark !== undefined && "before:block")}>
      {mark !== undefined && (
        <span className="mr-2 text-faint select-none" title={absoluteTime(Date.parse(mark.at))}>
          {mark.at.slice(11, 19)}
        </span>
      )}
      <Marked text={text} wanted={wanted} />
    </div>
  );
}

function Marked({ text, wanted }: { text: string; wanted: string }) {
  const at = wanted === "" ? -1 : text.toLowerCase().indexOf(wanted.toLowerCase());
  if (at < 0) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark className="rounded-sm bg-warn-soft text-warn">{text.slice(at, at + wanted.length)}</mark>
      {text.slice(at + wanted.length)}
    </>
  );
}

const nearPx = 24;

/** Stays at the end while new lines come, unless the reader has scrolled up. */
function useFollow(box: RefObject<HTMLDivElement | null>, length: number) {
  const [following, setFollowing] = useState(true);
  useEffect(() => {
    if (following) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [box, length, following]);
  return {
    following,
    jump: () => setFollowing(true),
    onScroll: () => {
      const element = box.current;
      if (element !== null) setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight < nearPx);
    },
  };
}

function save(name: string, lines: readonly LogLine[]): void {
  const url = URL.createObjectURL(new Blob([lines.map(({ text }) => `${text}\n`).join("")], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
