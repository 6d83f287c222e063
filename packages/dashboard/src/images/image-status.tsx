import type { ImageView } from "@provost/contract";
import { CircleCheck, CircleX, LoaderCircle, Trash2 } from "lucide-react";
import { StatusBadge } from "../ui/badge.tsx";

const looks = {
  baking: { tone: "busy", icon: LoaderCircle, turning: true },
  available: { tone: "good", icon: CircleCheck, turning: false },
  failed: { tone: "bad", icon: CircleX, turning: false },
  deleted: { tone: "idle", icon: Trash2, turning: false },
} as const;

export function ImageStatus({ image }: { image: ImageView }) {
  const { tone, icon, turning } = looks[image.status];
  return (
    <StatusBadge tone={tone} icon={icon} turning={turning}>
      {image.status}
      {image.step !== undefined && `: ${image.step}`}
    </StatusBadge>
  );
}
