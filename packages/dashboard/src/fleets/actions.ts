import type { FleetAction } from "@provost/contract";
import {
  Camera,
  CircleStop,
  Maximize2,
  Play,
  Power,
  RotateCw,
  Shield,
  ShieldOff,
  Trash2,
  type LucideIcon,
} from "lucide-react";

interface ActionWords {
  label: string;
  icon: LucideIcon;
  /** What it does, for who is about to confirm it. */
  tells: string;
  danger?: boolean;
}

export const fleetActionWords: Record<FleetAction, ActionWords> = {
  boot: { label: "Boot", icon: Play, tells: "Stopped ones are started." },
  reboot: {
    label: "Reboot",
    icon: RotateCw,
    tells: "They are stopped and started again: what runs on them is interrupted.",
  },
  shutdown: {
    label: "Shut down",
    icon: CircleStop,
    tells: "They are asked to stop, in order. Their disks stay, and are billed.",
  },
  "power-off": {
    label: "Power off",
    icon: Power,
    tells: "Their power is taken away: what was not written to disk is lost.",
    danger: true,
  },
  resize: { label: "Resize", icon: Maximize2, tells: "They are stopped, get another plan, and are started again." },
  snapshot: { label: "Snapshot", icon: Camera, tells: "A backup of each is taken now." },
  protect: { label: "Protect", icon: Shield, tells: "They cannot be destroyed before they are unprotected." },
  unprotect: { label: "Unprotect", icon: ShieldOff, tells: "They can be destroyed again." },
  destroy: {
    label: "Destroy",
    icon: Trash2,
    tells: "Servers and disks are deleted at the provider. This cannot be undone.",
    danger: true,
  },
};
