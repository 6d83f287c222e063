import { CopyButton } from "./copy.tsx";

/** Something that is shown this once. */
export function Secret({ text, label }: { text: string; label: string }) {
  return (
    <div className="flex flex-col gap-2">
      <p className="text-muted">It is shown this once. Copy it to where it is needed, now.</p>
      <div className="flex items-center gap-2 rounded-md border border-line bg-panel p-2">
        <code className="min-w-0 flex-1 font-mono text-xs break-all">{text}</code>
        <CopyButton text={text} label={label} />
      </div>
    </div>
  );
}
