import { useQuery } from "@tanstack/react-query";
import { CircleHelp, LogOut, Menu as MenuIcon, Monitor, Moon, Search, Sun, UserRound } from "lucide-react";
import { sessionQuery, signOut } from "../api/session.ts";
import { chooseTheme, useTheme, type ThemeChoice } from "../theme/theme.ts";
import { Button, IconButton } from "../ui/button.tsx";
import { Kbd } from "../ui/kbd.tsx";
import { Menu } from "../ui/menu.tsx";
import { toastError } from "../ui/toast-store.ts";
import { LiveIndicator } from "./live-indicator.tsx";

interface TopbarProps {
  onMenu: () => void;
  onPalette: () => void;
  onHelp: () => void;
}

export function Topbar({ onMenu, onPalette, onHelp }: TopbarProps) {
  return (
    <header className="flex h-12 shrink-0 items-center gap-2 border-b border-line px-2 md:px-4">
      <IconButton icon={MenuIcon} label="Open the menu" onClick={onMenu} className="md:hidden" />
      <button
        type="button"
        onClick={onPalette}
        className="flex h-8 min-w-0 items-center gap-2 rounded-md border border-line bg-panel px-2.5 text-muted hover:border-line-strong hover:text-text md:w-64"
      >
        <Search aria-hidden size={14} />
        <span className="flex-1 truncate text-left max-md:sr-only">Go to or do …</span>
        <span className="max-md:hidden">
          <Kbd keys="mod+k" />
        </span>
      </button>
      <div className="flex-1" />
      <LiveIndicator />
      <IconButton icon={CircleHelp} label="Keyboard shortcuts" onClick={onHelp} className="max-md:hidden" />
      <ThemeMenu />
      <AccountMenu />
    </header>
  );
}

const themes: { choice: ThemeChoice; label: string; icon: typeof Sun }[] = [
  { choice: "light", label: "Light", icon: Sun },
  { choice: "dark", label: "Dark", icon: Moon },
  { choice: "system", label: "As the system", icon: Monitor },
];

function ThemeMenu() {
  const current = useTheme();
  const shown = themes.find(({ choice }) => choice === current);
  return (
    <Menu
      trigger={<IconButton icon={shown?.icon ?? Monitor} label={`Theme: ${shown?.label ?? current}`} />}
      items={themes.map(({ choice, label, icon }) => ({
        label: choice === current ? `${label} ✓` : label,
        icon,
        onSelect: () => chooseTheme(choice),
      }))}
    />
  );
}

function AccountMenu() {
  const { data: session } = useQuery(sessionQuery);
  if (!session) return null;
  return (
    <Menu
      trigger={
        <Button kind="quiet" icon={UserRound} aria-label={`Signed in as ${session.name}, ${session.role}`}>
          <span className="max-w-32 truncate max-md:hidden">{session.name}</span>
        </Button>
      }
      items={[
        { label: `${session.name} · ${session.role}`, disabled: "This is you", onSelect: () => {} },
        "line",
        { label: "Sign out", icon: LogOut, onSelect: () => void signOut().catch(toastError) },
      ]}
    />
  );
}
