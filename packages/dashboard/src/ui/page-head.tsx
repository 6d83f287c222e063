import type { ReactNode } from "react";
import { useEffect } from "react";

interface PageHeadProps {
  title: string;
  /** Beside the title: a count, a status. */
  beside?: ReactNode;
  /** Buttons, the main one last. */
  actions?: ReactNode;
  /** Above the title: the way back. */
  above?: ReactNode;
}

/** The head of a screen; its title is the browser tab's too. */
export function PageHead({ title, beside, actions, above }: PageHeadProps) {
  useEffect(() => {
    document.title = `${title} · Provost`;
  }, [title]);
  return (
    <header className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-4 pt-4 pb-3 md:px-6">
      <div className="min-w-0">
        {above}
        <div className="flex min-w-0 items-center gap-3">
          <h1 className="truncate text-xl font-semibold tracking-tight">{title}</h1>
          {beside}
        </div>
      </div>
      {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}
