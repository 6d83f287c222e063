import {
  Boxes,
  CalendarClock,
  Cloud,
  Cpu,
  Disc3,
  Gauge,
  HeartPulse,
  KeyRound,
  ListChecks,
  ListOrdered,
  ScrollText,
  Server,
  Unlink,
  Webhook,
  type LucideIcon,
} from "lucide-react";
import type { Role } from "../api/roles.ts";

export interface NavItem {
  label: string;
  to: string;
  icon: LucideIcon;
  /** After `g`. */
  key: string;
  /** Who may see it. */
  role?: Role;
}

export interface NavGroup {
  label: string;
  items: NavItem[];
}

export const navGroups: NavGroup[] = [
  {
    label: "Servers",
    items: [
      { label: "Instances", to: "/instances", icon: Server, key: "i" },
      { label: "Images", to: "/images", icon: Disc3, key: "m" },
      { label: "Orphans", to: "/orphans", icon: Unlink, key: "o" },
      { label: "Fleets", to: "/fleets", icon: Boxes, key: "f" },
    ],
  },
  {
    label: "Jobs",
    items: [
      { label: "Overview", to: "/jobs/overview", icon: Gauge, key: "v" },
      { label: "Jobs", to: "/jobs", icon: ListChecks, key: "j" },
      { label: "Queues", to: "/jobs/queues", icon: ListOrdered, key: "q" },
      { label: "Schedules", to: "/jobs/schedules", icon: CalendarClock, key: "s" },
      { label: "Processes", to: "/jobs/processes", icon: Cpu, key: "r" },
    ],
  },
  {
    label: "System",
    items: [
      { label: "Providers", to: "/providers", icon: Cloud, key: "p" },
      { label: "Audit", to: "/audit", icon: ScrollText, key: "a" },
      { label: "Tokens", to: "/tokens", icon: KeyRound, key: "t", role: "admin" },
      { label: "Webhooks", to: "/webhooks", icon: Webhook, key: "w", role: "admin" },
      { label: "Health", to: "/health", icon: HeartPulse, key: "h" },
    ],
  },
];
