import { Link } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { Empty } from "../ui/empty.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { buttonClass } from "../ui/button.tsx";

export function NoScreen() {
  return (
    <>
      <PageHead title="No such page" />
      <Empty
        icon={Compass}
        title="There is nothing at this address"
        action={
          <Link to="/instances" className={buttonClass()}>
            Go to instances
          </Link>
        }
      >
        The link may be of another version of Provost, or cut off.
      </Empty>
    </>
  );
}

export function BrokenScreen({ error, reset }: { error: unknown; reset?: () => void }) {
  return (
    <div className="p-4 md:p-6">
      <ErrorNote error={error} {...(reset === undefined ? {} : { retry: reset })} />
    </div>
  );
}
