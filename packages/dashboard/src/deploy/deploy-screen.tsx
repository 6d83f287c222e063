import type { Instance } from "@provost/contract";
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowLeft, Cloud } from "lucide-react";
import { useState } from "react";
import { api } from "../api/client.ts";
import { useMay } from "../api/session.ts";
import { buttonClass } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { CommandDialog } from "./command-dialog.tsx";
import { BootFields, IdentityFields, MachineFields, PlaceFields } from "./fields.tsx";
import { requestOf } from "./order.ts";
import { Summary } from "./summary.tsx";
import { useOrder } from "./use-order.ts";

/** One page from nothing to a deploy under way, with its price in sight. */
export function DeployScreen() {
  const { provider, region, type, image } = useSearch({ from: "/instances/deploy" });
  const ordering = useOrder({ provider: provider ?? "", region: region ?? "", type: type ?? "", image: image ?? "" });
  const mayDeploy = useMay("operator");
  const head = <PageHead title="Deploy an instance" above={<Back />} />;
  if (!mayDeploy) {
    return (
      <>
        {head}
        <Empty icon={Cloud} title="Your role is to look">
          A token with the role operator can deploy: ask whoever manages the tokens here.
        </Empty>
      </>
    );
  }
  if (ordering.providers?.length === 0) {
    return (
      <>
        {head}
        <Empty
          icon={Cloud}
          title="No provider is set up"
          command="npx provost provider add linode --driver linode --credential-file token.txt"
          action={
            <Link to="/providers" className={buttonClass("primary")}>
              Set one up
            </Link>
          }
        >
          An instance is made at a cloud provider, or in Incus on this machine.
        </Empty>
      </>
    );
  }
  return (
    <>
      {head}
      <DeployForm ordering={ordering} />
    </>
  );
}

function Back() {
  return (
    <Link to="/instances" className="mb-1 inline-flex items-center gap-1 text-xs text-muted hover:text-text">
      <ArrowLeft aria-hidden size={13} /> Instances
    </Link>
  );
}

function DeployForm({ ordering }: { ordering: ReturnType<typeof useOrder> }) {
  const navigate = useNavigate();
  const [tried, setTried] = useState(false);
  const [shown, setShown] = useState(false);
  // The same key until it has worked: a second press, or a try after a lost answer, makes no second server.
  const [idempotencyKey] = useState(() => `page-${Array.from(crypto.getRandomValues(new Uint32Array(4))).join("-")}`);
  const request = requestOf(ordering.order);
  const deploy = useMutation({
    mutationFn: () =>
      api.post<Instance>("instances", request, { idempotencyKey: `${idempotencyKey}-${hash(request)}` }),
    onSuccess: ({ id }) => void navigate({ to: "/instances/$ref", params: { ref: id } }),
  });
  const faults = tried ? ordering.faults : {};
  const parts = { ordering, faults };
  return (
    <form
      noValidate
      className="grid gap-8 px-4 pb-6 md:px-6 lg:grid-cols-[minmax(0,768px)_280px]"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        const wrong = Object.keys(ordering.faults).length > 0;
        if (wrong) {
          const form = event.currentTarget;
          // Once the fields have been marked.
          requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
        } else if (!deploy.isPending) deploy.mutate();
      }}
    >
      <div className="flex max-w-3xl min-w-0 flex-col gap-6">
        <IdentityFields {...parts} />
        <PlaceFields {...parts} />
        <MachineFields {...parts} />
        <BootFields {...parts} />
      </div>
      <Summary ordering={ordering} busy={deploy.isPending} error={deploy.error} onCommand={() => setShown(true)} />
      {shown && <CommandDialog request={request} onClose={() => setShown(false)} />}
    </form>
  );
}

/** Another request gets another key: the server refuses one key for two requests. */
function hash(value: unknown): number {
  let sum = 0;
  for (const letter of JSON.stringify(value)) sum = (Math.imul(sum, 31) + (letter.codePointAt(0) ?? 0)) | 0;
  return sum >>> 0;
}
