import type { JobDetail } from "@provost/contract";
import { useNavigate } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { useMemo, useState } from "react";
import { counted } from "../../format/numbers.ts";
import { IconButton } from "../../ui/button.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { SelectInput, TextInput } from "../../ui/field.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { finalStatuses } from "../words.ts";
import { LogLines } from "./log-lines.tsx";
import { lineText, logFile } from "./log-text.ts";
import { useJobLogs } from "./use-job-logs.ts";

/** What its attempts told and printed. */
export function LogsTab({ job, attempt }: { job: JobDetail; attempt: string | undefined }) {
  const navigate = useNavigate();
  const [wanted, setWanted] = useState("");
  const logs = useJobLogs(job.id);
  const shown = useMemo(() => {
    const text = wanted.toLowerCase();
    return logs.lines.filter(
      (line) =>
        (attempt === undefined || String(line.fence) === attempt) && lineText(line).toLowerCase().includes(text),
    );
  }, [logs.lines, wanted, attempt]);
  const runs = job.timeline.filter(({ status, fence }) => status === "in_progress" && fence !== undefined);
  const choose = (fence: string): void =>
    void navigate({
      to: "/jobs/$id",
      params: { id: job.id },
      search: { tab: "logs", ...(fence === "" ? {} : { attempt: fence }) },
      replace: true,
    });
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-2 md:px-6">
        <SelectInput
          aria-label="Attempt"
          className="w-36!"
          value={attempt ?? ""}
          onChange={choose}
          options={[
            { value: "", label: "All attempts" },
            ...runs.map(({ fence }, index) => ({ value: String(fence), label: `Attempt ${index + 1}` })),
          ]}
        />
        <TextInput
          type="search"
          aria-label="Search the log"
          placeholder="Search"
          className="w-48!"
          value={wanted}
          onChange={setWanted}
        />
        <span className="text-xs text-faint">
          {counted(shown.length, "line")}
          {logs.more && ", reading more"}
        </span>
        <div className="flex-1" />
        <IconButton
          icon={Download}
          label="Download the log"
          disabled={logs.lines.length === 0}
          onClick={() => save(`job-${job.id}.log`, logFile(logs.lines))}
        />
      </div>
      {logs.error !== null && (
        <div className="p-4 md:px-6">
          <ErrorNote error={logs.error} retry={logs.retry} />
        </div>
      )}
      {logs.pending && logs.error === null ? (
        <SkeletonRows rows={4} />
      ) : (
        <LogLines
          lines={shown}
          empty={wanted === "" ? emptyWords(finalStatuses.includes(job.status)) : `No line has “${wanted}”.`}
        />
      )}
    </div>
  );
}

function emptyWords(final: boolean): string {
  return final
    ? "It told nothing, or what it told is no longer kept. A handler tells by its log, or by what its process prints."
    : "Nothing yet: what its handler tells shows up here while it runs.";
}

function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
