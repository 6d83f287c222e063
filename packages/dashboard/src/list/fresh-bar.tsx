import { ArrowUp } from "lucide-react";
import type { RefObject } from "react";
import type { KeysetList } from "./use-keyset-list.ts";

interface FreshBarProps {
  list: Pick<KeysetList<unknown>, "fresh" | "showFresh">;
  scroller: RefObject<HTMLDivElement | null>;
}

/** Says how many new rows there are instead of pushing the others down. */
export function FreshBar({ list, scroller }: FreshBarProps) {
  return (
    <div role="status" className="pointer-events-none absolute inset-x-0 top-10 z-20 flex justify-center">
      {list.fresh !== "" && (
        <button
          type="button"
          onClick={() => {
            list.showFresh();
            scroller.current?.scrollTo({ top: 0 });
          }}
          className="pointer-events-auto flex h-7 items-center gap-1.5 rounded-full bg-accent px-3 text-xs font-medium text-white shadow-float hover:bg-accent-hover"
        >
          <ArrowUp aria-hidden size={13} />
          {list.fresh} new
        </button>
      )}
    </div>
  );
}
