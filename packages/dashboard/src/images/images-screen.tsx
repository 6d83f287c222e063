import type { ImageView } from "@provost/contract";
import { Disc3, Plus } from "lucide-react";
import { useState } from "react";
import { useMay } from "../api/session.ts";
import type { Column } from "../list/columns.ts";
import { DataTable } from "../list/data-table.tsx";
import { useKeysetList } from "../list/use-keyset-list.ts";
import { Tag } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { BakeDialog } from "./bake-dialog.tsx";
import { ImageDialog } from "./image-dialog.tsx";
import { ImageStatus } from "./image-status.tsx";
import { imageList } from "./queries.ts";

const columns: readonly Column<ImageView>[] = [
  { id: "status", header: "Status", cell: (image) => <ImageStatus image={image} />, width: "minmax(120px, 180px)" },
  {
    id: "name",
    header: "Name",
    width: "minmax(140px, 2fr)",
    cell: ({ name, golden, default: usual }) => (
      <span className="flex items-center gap-2">
        <span className="truncate font-medium">{name}</span>
        {golden && <Tag title="Its first-boot service reports: a deploy from it is ready in seconds">golden</Tag>}
        {usual && <Tag title="What a deploy there takes that names no image">default</Tag>}
      </span>
    ),
  },
  { id: "provider", header: "Provider", cell: ({ provider }) => provider, width: "minmax(80px, 1fr)", from: 768 },
  { id: "base", header: "Made from", cell: ({ base }) => base, width: "minmax(120px, 1fr)", from: 1024 },
  {
    id: "size",
    header: "Size",
    cell: ({ sizeMb }) => (sizeMb === undefined ? "–" : `${Math.round(sizeMb)} MB`),
    width: "90px",
    align: "right",
    from: 1024,
  },
  {
    id: "age",
    header: "Age",
    cell: ({ createdAt }) => <RelativeTime at={createdAt} short />,
    width: "64px",
    align: "right",
  },
];

const idOf = ({ id }: ImageView): string => id;
const nameOf = ({ name }: ImageView): string => name;

/** Images that Provost has made, or makes. */
export function ImagesScreen() {
  const [all, setAll] = useState(false);
  const [baking, setBaking] = useState(false);
  const [shown, setShown] = useState<string>();
  const list = useKeysetList(imageList(all));
  const mayBake = useMay("operator");
  const image = list.rows.find(({ id }) => id === shown);
  const bake = mayBake && (
    <Button kind="primary" icon={Plus} onClick={() => setBaking(true)}>
      Bake an image
    </Button>
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead title="Images" actions={bake} />
      <label className="flex items-center gap-2 border-b border-line px-4 py-2 text-muted md:px-6">
        <input type="checkbox" className="size-4 accent-accent" checked={all} onChange={() => setAll(!all)} />
        Deleted ones too
      </label>
      <DataTable
        label="Images"
        columns={columns}
        list={list}
        idOf={idOf}
        nameOf={nameOf}
        onOpen={({ id }) => setShown(id)}
        empty={
          <Empty
            icon={Disc3}
            title="No image has been made here"
            command="npx provost image bake web-1 --provider sandbox --script web.sh"
            action={bake}
          >
            Bake what every server needs into an image once: a deploy from it is ready in seconds.
          </Empty>
        }
      />
      {baking && <BakeDialog onClose={() => setBaking(false)} onBaking={list.showFresh} />}
      {image !== undefined && (
        <ImageDialog image={image} onClose={() => setShown(undefined)} onChange={list.showFresh} />
      )}
    </div>
  );
}
