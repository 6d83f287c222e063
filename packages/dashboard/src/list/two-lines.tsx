import type { ReactNode } from "react";

interface TwoLinesProps {
  /** First line: what it is, and how it stands. */
  name: ReactNode;
  status: ReactNode;
  /** Second line: where, and since when. */
  about: ReactNode;
  when: ReactNode;
}

/** A row as a phone shows it, in one cell. */
export function TwoLines({ name, status, about, when }: TwoLinesProps) {
  return (
    <div className="flex flex-col gap-0.5 py-1.5">
      <div className="flex items-center justify-between gap-3">
        {name}
        {status}
      </div>
      <div className="flex items-center justify-between gap-3 text-xs text-muted">
        <span className="truncate">{about}</span>
        {when}
      </div>
    </div>
  );
}
