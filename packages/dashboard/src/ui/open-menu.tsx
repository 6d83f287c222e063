import { Menu as Base } from "@base-ui/react/menu";
import { classes } from "./classes.ts";
import type { MenuItem, MenuProps } from "./menu.tsx";

/** The menu itself: it opens as it comes, since it is loaded when its button is pressed for the first time. */
export function OpenMenu({ trigger, items }: MenuProps) {
  return (
    <Base.Root defaultOpen>
      <Base.Trigger render={trigger} />
      <Base.Portal container={document.querySelector<HTMLElement>("#main")}>
        <Base.Positioner align="end" sideOffset={4} positionMethod="fixed" className="z-40">
          <Base.Popup className="min-w-44 rounded-lg border border-line bg-raised p-1 shadow-float outline-none">
            {items.map((item, index) =>
              item === "line" ? (
                // oxlint-disable-next-line react/no-array-index-key -- lines have nothing else
                <Base.Separator key={`line-${index}`} className="mx-1 my-1 h-px bg-line" />
              ) : (
                <Item key={item.label} {...item} />
              ),
            )}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function Item({ label, icon: Icon, danger = false, disabled, onSelect }: MenuItem) {
  return (
    <Base.Item
      disabled={disabled !== undefined}
      title={disabled}
      onClick={onSelect}
      className={classes(
        "flex h-8 cursor-default items-center gap-2 rounded-md px-2 outline-none select-none data-highlighted:bg-hover data-disabled:opacity-50",
        danger && "text-bad",
      )}
    >
      {Icon && <Icon aria-hidden size={15} className={danger ? undefined : "text-faint"} />}
      {label}
    </Base.Item>
  );
}
