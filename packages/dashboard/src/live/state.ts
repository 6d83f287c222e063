/**
 * What the page's one event stream is at, as a pure state machine:
 *
 *   connecting ──ready──▶ catching-up ──caught-up──▶ live ──lost──▶ reconnecting ──ready──▶ catching-up
 *   any ──pause──▶ paused ──resume──▶ connecting (and what was missed is caught up)
 */
export type LivePhase = "connecting" | "live" | "reconnecting" | "catching-up" | "paused";

export interface LiveState {
  phase: LivePhase;
  /** Id of the last event that was seen: where a new connection goes on. */
  lastId: string | undefined;
  /** Connections in a row that failed or broke. */
  failures: number;
  /** There was a time without a connection since all was last known to be current; at first too: what is read meanwhile may be old. */
  gap: boolean;
  /** When the phase began, by this machine's clock. */
  since: number;
}

export type LiveInput =
  /** A connection stands, and its first message has come. */
  | { type: "ready" }
  | { type: "event"; id: string | undefined }
  /** The server no longer has all that came after our last id. */
  | { type: "reset" }
  | { type: "caught-up" }
  | { type: "lost" }
  | { type: "pause" }
  | { type: "resume" };

export function initialLive(now: number): LiveState {
  return { phase: "connecting", lastId: undefined, failures: 0, gap: true, since: now };
}

export function reduceLive(state: LiveState, input: LiveInput, now: number): LiveState {
  const into = (phase: LivePhase, changes: Partial<LiveState> = {}): LiveState => ({
    ...state,
    phase,
    since: phase === state.phase ? state.since : now,
    ...changes,
  });
  switch (input.type) {
    case "ready":
      if (state.phase === "paused") return state;
      return state.gap ? into("catching-up") : into("live", { failures: 0 });
    case "event":
      return input.id === undefined ? state : { ...state, lastId: input.id };
    case "reset":
      return state.phase === "paused" ? state : into("catching-up", { gap: true });
    case "caught-up":
      return state.phase === "catching-up" ? into("live", { gap: false, failures: 0 }) : state;
    case "lost":
      return state.phase === "paused" ? state : into("reconnecting", { gap: true, failures: state.failures + 1 });
    case "pause":
      return into("paused", { gap: true, failures: 0 });
    default:
      return state.phase === "paused" ? into("connecting") : state;
  }
}

const firstMs = 500;
const longestMs = 15_000;

/** How long to wait before the next connection; `random` in [0, 1) keeps a room full of pages apart. */
export function reconnectDelayMs(failures: number, random: number): number {
  const most = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 10));
  return Math.round(most * (0.5 + random / 2));
}
