import type { LucideIcon } from "lucide-react";
import { cloneElement, lazy, Suspense, useState, type ComponentProps, type ReactElement } from "react";

export interface MenuItem {
  label: string;
  icon?: LucideIcon;
  danger?: boolean;
  /** Why it cannot be chosen now. */
  disabled?: string | undefined;
  onSelect: () => void;
}

export interface MenuProps {
  /** The button that opens it. */
  trigger: ReactElement<ComponentProps<"button">>;
  /** `line`: between two groups. */
  items: (MenuItem | "line")[];
}

const load = () => import("./open-menu.tsx");
const OpenMenu = lazy(() => load().then((m) => ({ default: m.OpenMenu })));

/** A button with a menu. The menu's code comes when a hand is near it: the first screen does without. */
export function Menu({ trigger, items }: MenuProps) {
  const [wanted, setWanted] = useState(false);
  const closed = cloneElement(trigger, {
    "aria-haspopup": "menu",
    "aria-expanded": false,
    onPointerEnter: () => void load(),
    onFocus: () => void load(),
    onClick: () => setWanted(true),
  });
  if (!wanted) return closed;
  return (
    <Suspense fallback={closed}>
      <OpenMenu trigger={trigger} items={items} />
    </Suspense>
  );
}
