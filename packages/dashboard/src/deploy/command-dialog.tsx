import type { DeployRequest } from "@provost/contract";
import { apiUrl } from "../api/client.ts";
import { CopyButton } from "../ui/copy.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { asCli, asCurl } from "./as-command.ts";

export function CommandDialog({ request, onClose }: { request: DeployRequest; onClose: () => void }) {
  const url = new URL(apiUrl("instances"), window.location.origin).href;
  return (
    <Dialog open onClose={onClose} title="The same without the page" wide>
      <div className="flex flex-col gap-5">
        <Code title="Command line" text={asCli(request)} />
        <Code title="cURL" text={asCurl(request, url)} />
      </div>
    </Dialog>
  );
}

function Code({ title, text }: { title: string; text: string }) {
  return (
    <section>
      <div className="flex items-center justify-between">
        <h3 className="font-medium">{title}</h3>
        <CopyButton text={text} label={`the ${title} form`} />
      </div>
      <pre
        // A region that scrolls has to be reached by the keyboard.
        tabIndex={0}
        className="max-h-64 overflow-auto rounded-md border border-line bg-panel p-3 font-mono text-xs whitespace-pre-wrap break-all"
      >
        {text}
      </pre>
    </section>
  );
}
