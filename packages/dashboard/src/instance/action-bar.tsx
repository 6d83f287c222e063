import type { Instance } from "@provost/contract";
import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { useMay } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { Menu } from "../ui/menu.tsx";
import { actionsFor, type ActionName } from "./actions.ts";
import { ActionDialog } from "./action-dialog.tsx";

const inSight: readonly ActionName[] = ["boot", "reboot", "resize"];

/** What can be done now; the usual in sight, the rest in a menu. Viewers see none of it. */
export function ActionBar({ instance }: { instance: Instance }) {
  const [chosen, setChosen] = useState<ActionName>();
  const mayAct = useMay("operator");
  const actions = actionsFor(instance);
  if (!mayAct || actions.length === 0) return null;
  return (
    <>
      {actions
        .filter(({ name }) => inSight.includes(name))
        .map(({ name, label, icon, disabled }) => (
          <Button
            key={name}
            icon={icon}
            disabled={disabled !== undefined}
            title={disabled}
            onClick={() => setChosen(name)}
            className="max-md:hidden"
          >
            {label}
          </Button>
        ))}
      <Menu
        trigger={<Button icon={ChevronDown}>Actions</Button>}
        items={actions.flatMap(({ name, label, icon, danger, disabled }) => [
          ...(name === "destroy" && actions.length > 1 ? (["line"] as const) : []),
          { label, icon, danger: danger === true, disabled, onSelect: () => setChosen(name) },
        ])}
      />
      {chosen !== undefined && (
        <ActionDialog instance={instance} action={chosen} onClose={() => setChosen(undefined)} />
      )}
    </>
  );
}
