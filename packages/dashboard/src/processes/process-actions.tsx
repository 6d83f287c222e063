import type { ProcessView } from "@provost/contract";
import { Moon, OctagonX, Play } from "lucide-react";
import { useState } from "react";
import { useMay } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { toastDone } from "../ui/toast-store.ts";
import { ask, type Ask } from "./queries.ts";

const words: Record<Ask, { label: string; title: string; tells: string; done: string; danger?: true }> = {
  quiet: {
    label: "Quiet",
    title: "Let it take no more jobs?",
    tells: "What it runs goes on to its end. Other processes take what waits, if there are any. Resume undoes it.",
    done: "It takes no more jobs.",
  },
  resume: {
    label: "Resume",
    title: "Let it take jobs again?",
    tells: "It claims from its queues as before.",
    done: "It takes jobs again.",
  },
  stop: {
    label: "Stop",
    title: "Stop its work?",
    tells:
      "It takes no more jobs, lets those that run end for 10 s, and gives the others back. A server of Provost then answers, and deploys nothing until it is started again.",
    done: "It is asked to stop.",
    danger: true,
  },
};

/** What may be asked of a process; stopping is an admin's. */
export function ProcessActions({ process }: { process: ProcessView }) {
  const [asking, setAsking] = useState<Ask>();
  const mayAct = useMay("operator");
  const mayStop = useMay("admin");
  const { id, host, pid, state } = process;
  if (!mayAct || state === "stopping") return null;
  const chosen = asking && words[asking];
  return (
    <>
      {state === "running" ? (
        <Button icon={Moon} onClick={() => setAsking("quiet")}>
          Quiet
        </Button>
      ) : (
        <Button icon={Play} onClick={() => setAsking("resume")}>
          Resume
        </Button>
      )}
      {mayStop && (
        <Button kind="danger" icon={OctagonX} onClick={() => setAsking("stop")}>
          Stop
        </Button>
      )}
      {asking !== undefined && chosen !== undefined && (
        <Confirm
          open
          onClose={() => setAsking(undefined)}
          title={chosen.title}
          action={chosen.label}
          danger={chosen.danger === true}
          {...(asking === "stop" ? { typed: String(pid) } : {})}
          run={async () => {
            await ask(id, asking);
            toastDone(`${host}, process ${pid}`, `${chosen.done} It hears of it within 10 s.`);
          }}
        >
          <p>
            {host}, process {pid}: {process.running.short + process.running.long} jobs run in it.
          </p>
          <p>{chosen.tells}</p>
        </Confirm>
      )}
    </>
  );
}
