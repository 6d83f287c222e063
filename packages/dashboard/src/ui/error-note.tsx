import { CircleAlert, RotateCw } from "lucide-react";
import { asApiError } from "../api/problem.ts";
import { Button } from "./button.tsx";
import { Copyable } from "./copy.tsx";

/** What happened and what to do next, in the server's own words. */
export function ErrorNote({ error, retry }: { error: unknown; retry?: () => void }) {
  const { title, detail, code, requestId } = asApiError(error);
  return (
    <div role="alert" className="flex items-start gap-2.5 rounded-md border border-line bg-bad-soft p-3">
      <CircleAlert aria-hidden size={16} className="mt-0.5 shrink-0 text-bad" />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{title}</p>
        <p className="break-words text-muted">{detail}</p>
        <p className="mt-1 flex flex-wrap items-center gap-x-3 text-xs text-muted">
          <span className="font-mono">{code}</span>
          {requestId !== undefined && <Copyable text={requestId} label="the request id" />}
        </p>
      </div>
      {retry !== undefined && (
        <Button icon={RotateCw} onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}
