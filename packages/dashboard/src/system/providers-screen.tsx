import { useQuery } from "@tanstack/react-query";
import { Cloud, Plus } from "lucide-react";
import { useState } from "react";
import { useMay } from "../api/session.ts";
import { providersQuery } from "../instances/queries.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { AddProviderDialog } from "./add-provider-dialog.tsx";
import { ProviderCard } from "./provider-card.tsx";
import { systemQuery } from "./queries.ts";

/** Where instances are made: does each work, what does it let us do, and what stands in the way. */
export function ProvidersScreen() {
  const [adding, setAdding] = useState(false);
  const mayManage = useMay("admin");
  const providers = useQuery(providersQuery);
  const system = useQuery(systemQuery);
  const add = mayManage && (
    <Button kind="primary" icon={Plus} onClick={() => setAdding(true)}>
      Add a provider
    </Button>
  );
  return (
    <>
      <PageHead title="Providers" actions={add} />
      {providers.isPending && <SkeletonRows rows={3} />}
      {providers.error !== null && (
        <div className="px-4 md:px-6">
          <ErrorNote error={providers.error} retry={() => void providers.refetch()} />
        </div>
      )}
      {providers.data?.length === 0 && (
        <Empty
          icon={Cloud}
          title="No provider is set up"
          command="npx provost provider add linode --driver linode --credential-file token.txt"
          action={add}
        >
          A provider is a cloud account, or Incus on a machine of yours.
        </Empty>
      )}
      <div className="flex flex-col border-t border-line">
        {providers.data?.map((provider) => (
          <ProviderCard
            key={provider.name}
            provider={provider}
            health={system.data?.providers.find(({ name }) => name === provider.name)}
          />
        ))}
      </div>
      {adding && <AddProviderDialog onClose={() => setAdding(false)} />}
    </>
  );
}
