import { Dialog as Base } from "@base-ui/react/dialog";
import { Brand, SidebarNav } from "./sidebar.tsx";

/** The sidebar of a phone. */
export function Drawer({ onClose }: { onClose: () => void }) {
  return (
    <Base.Root open onOpenChange={(open) => open || onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-scrim md:hidden" />
        <Base.Popup className="fixed inset-y-0 left-0 z-40 flex w-64 flex-col border-r border-line bg-panel shadow-float md:hidden">
          <Base.Title className="flex h-12 items-center px-2">
            <Brand />
          </Base.Title>
          <SidebarNav onGo={onClose} />
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
