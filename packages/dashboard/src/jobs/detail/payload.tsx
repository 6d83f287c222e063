import type { PayloadView } from "@provost/contract";
import { EyeOff } from "lucide-react";
import { CopyButton } from "../../ui/copy.tsx";

const hidden = '"[secret]"';

/** Input or result as JSON; what is masked is shown as masked. */
export function Payload({ title, payload }: { title: string; payload: PayloadView | undefined }) {
  const text = payload?.value === undefined ? undefined : JSON.stringify(payload.value, null, 2);
  return (
    <section className="flex min-w-0 flex-col gap-1.5">
      <div className="flex h-6 items-center gap-2">
        <h2 className="font-medium">{title}</h2>
        {payload !== undefined && <span className="text-xs text-faint">{size(payload.bytes)}</span>}
        {text !== undefined && <CopyButton text={text} label={`the ${title.toLowerCase()}`} />}
      </div>
      {text === undefined ? (
        <p className="text-muted">{payload === undefined ? "None yet." : "Too large to be shown: above 64 KiB."}</p>
      ) : (
        <pre
          tabIndex={0}
          aria-label={title}
          className="max-h-96 overflow-auto rounded-md border border-line bg-panel p-3 font-mono text-xs leading-5 break-words whitespace-pre-wrap"
        >
          <Masked text={text} />
        </pre>
      )}
    </section>
  );
}

function Masked({ text }: { text: string }) {
  const parts = text.split(hidden);
  return parts.map((part, index) => (
    // oxlint-disable-next-line react/no-array-index-key -- pieces of one text, in their order
    <span key={index}>
      {part}
      {index < parts.length - 1 && (
        <span
          title="Named like a secret: the server does not send it"
          className="inline-flex items-center gap-1 rounded-xs bg-idle-soft px-1 text-muted"
        >
          <EyeOff aria-hidden size={11} />
          secret
        </span>
      )}
    </span>
  ));
}

function size(bytes: number): string {
  return bytes < 1_024 ? `${bytes} B` : `${(bytes / 1_024).toFixed(1)} KiB`;
}
