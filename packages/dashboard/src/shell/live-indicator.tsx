import { CirclePause, LoaderCircle, Pause, Play, Radio, WifiOff } from "lucide-react";
import { useNow } from "../format/clock.ts";
import { shortDuration } from "../format/time.ts";
import { live } from "../live/connection.ts";
import { useLiveState } from "../live/hooks.ts";
import type { LivePhase } from "../live/state.ts";
import { StatusBadge, type Tone } from "../ui/badge.tsx";
import { IconButton } from "../ui/button.tsx";
import type { LucideIcon } from "lucide-react";

const looks: Record<LivePhase, { tone: Tone; icon: LucideIcon; word: string; tells: string }> = {
  connecting: { tone: "idle", icon: LoaderCircle, word: "Connecting", tells: "Opening the stream of changes" },
  live: { tone: "good", icon: Radio, word: "Live", tells: "Changes show up by themselves" },
  reconnecting: {
    tone: "bad",
    icon: WifiOff,
    word: "Reconnecting",
    tells: "The server cannot be reached: what you see may be old. It is tried again by itself",
  },
  "catching-up": { tone: "busy", icon: LoaderCircle, word: "Catching up", tells: "Reading what was missed" },
  paused: { tone: "warn", icon: CirclePause, word: "Paused", tells: "Nothing on this page changes until you resume" },
};

/** Says whether what is shown is current, and stops or starts the stream. */
export function LiveIndicator() {
  const { phase, since } = useLiveState();
  const now = useNow();
  const { tone, icon, word, tells } = looks[phase];
  const stale = phase === "paused" || phase === "reconnecting";
  const paused = phase === "paused";
  return (
    <div className="flex items-center gap-1">
      <span role="status" aria-live="polite">
        <StatusBadge tone={tone} icon={icon} turning={phase === "connecting" || phase === "catching-up"} title={tells}>
          {word}
        </StatusBadge>
      </span>
      {stale && (
        <span className="text-muted" title="For how long">
          {shortDuration(now - since)}
        </span>
      )}
      <IconButton
        icon={paused ? Play : Pause}
        label={paused ? "Resume live changes" : "Pause live changes"}
        onClick={() => (paused ? live.resume() : live.pause())}
      />
    </div>
  );
}
