import type { Delivery } from "@provost/contract";
import { CircleCheck, CircleX, Clock } from "lucide-react";
import { StatusBadge } from "../ui/badge.tsx";

const looks = {
  pending: { tone: "busy", icon: Clock },
  delivered: { tone: "good", icon: CircleCheck },
  failed: { tone: "bad", icon: CircleX },
} as const;

export function DeliveryStatus({ status }: { status: Delivery["status"] }) {
  return <StatusBadge {...looks[status]}>{status}</StatusBadge>;
}
