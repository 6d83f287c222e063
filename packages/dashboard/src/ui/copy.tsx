import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { ApiError } from "../api/problem.ts";
import { toastError } from "./toast-store.ts";

const shownMs = 1_500;

/** Over plain HTTP browsers have no clipboard API: a selected field and the old command do it there. */
async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "fixed opacity-0";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw notCopied(text);
}

function notCopied(text: string): ApiError {
  const detail = `Select it and copy it by hand: ${text}`;
  return new ApiError({ status: 0, code: "not_copied", title: "The browser did not copy", detail });
}

/** Copies `text`; `label` says what that is. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), shownMs);
    return () => clearTimeout(timer);
  }, [copied]);
  const Icon = copied ? Check : Copy;
  return (
    <button
      type="button"
      aria-label={copied ? `${label} copied` : `Copy ${label}`}
      title={copied ? "Copied" : `Copy ${label}`}
      className="inline-flex size-6 shrink-0 items-center justify-center rounded-sm text-faint hover:bg-hover hover:text-text"
      onClick={(event) => {
        event.preventDefault();
        event.stopPropagation();
        copyText(text).then(
          () => setCopied(true),
          () => toastError(notCopied(text)),
        );
      }}
    >
      <Icon aria-hidden size={13} />
    </button>
  );
}

/** A value to be read and copied: ids, addresses. */
export function Copyable({ text, label, mono = true }: { text: string; label: string; mono?: boolean }) {
  return (
    <span className="inline-flex max-w-full min-w-0 items-center gap-0.5 align-middle">
      <span title={text} className={mono ? "truncate font-mono text-xs" : "truncate"}>
        {text}
      </span>
      <CopyButton text={text} label={label} />
    </span>
  );
}
