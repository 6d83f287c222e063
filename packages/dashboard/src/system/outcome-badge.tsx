import type { AuditEntry } from "@provost/contract";
import { Ban, CircleCheck, CircleDot, CircleX } from "lucide-react";
import { StatusBadge } from "../ui/badge.tsx";

const looks = {
  done: { tone: "good", icon: CircleCheck },
  unchanged: { tone: "idle", icon: CircleDot },
  refused: { tone: "warn", icon: Ban },
  failed: { tone: "bad", icon: CircleX },
} as const;

export function OutcomeBadge({ outcome }: { outcome: AuditEntry["outcome"] }) {
  return <StatusBadge {...looks[outcome]}>{outcome}</StatusBadge>;
}
