import type { RateAnswer } from "./rate-answer.ts";

/**
 * C11 as arithmetic: how many calls an account may make in one endpoint group. No clock and no store: `nowMs` is the
 * store's, and what comes of a call is a new value.
 *
 * Calls are counted in slots of a sixtieth of the window, and a slot counts until its youngest call is a whole window old:
 * in no window, wherever it begins, are there more calls than the limit, whether the provider's own windows are fixed or
 * sliding. The price is at most one slot of patience in each window (under 2%).
 */
export interface RateWindow {
  limit: number;
  windowMs: number;
  /** Ascending; those that have passed are dropped. */
  slots: Slot[];
  /** No call before then: a `Retry-After`. 0 when there is none. */
  blockedUntil: number;
  /** The limit is the one that the provider documents: it has not answered yet. */
  declared?: boolean;
  /** The latest instant that was counted: clocks of two hosts may differ by a little, and time never goes back here. */
  at: number;
}

interface Slot {
  /** Instant it begins at, in slots since 1970. */
  slot: number;
  /** Calls in it; `background` of them were no person's, and `sweep` of these were pages of sweeps. */
  used: number;
  background: number;
  sweep: number;
}

/** Who a call is for: what people ask for (deploys and signals too), what goes on by itself, or a sweep, which would take it all. */
export type Asker = "people" | "background" | "sweep";

const slotsInWindow = 60;
/** A difference of this part of the limit is someone else's doing. */
const newsShare = 0.05;
/** Of the limit, for people: what goes on by itself never takes it (C11). */
const peopleShare = 0.2;
/** Of what goes on by itself, for sweeps: the feed finds its call in the rest whenever it comes (12 of Linode's 160 a minute). */
const sweepShare = 0.92;
/** What providers have as windows: told by when the present one ends, which is sooner. */
const knownWindowsMs = [15_000, 60_000, 3_600_000] as const;
/** Stands for a limit that the provider has not told yet. */
const unknownLimit = Number.MAX_SAFE_INTEGER;
/** A provider that answers 429 without a word of how long. */
const defaultBlockMs = 5_000;
/** Linode has answered with a negative `Retry-After`; nothing a provider says stops us for longer than the last (C11). */
export const blockBoundsMs = { min: 1_000, max: 15 * 60_000 } as const;

/** The first word of a limit; undefined while a provider has said none: then there is nothing to keep. */
export function windowOf(answer: RateAnswer, nowMs: number): RateWindow | undefined {
  const limit = wholeLimit(answer.limit);
  if (limit === undefined && answer.retryAfterMs === undefined) return undefined;
  const fresh: RateWindow = {
    // Before its limit is known only the block counts.
    limit: limit ?? unknownLimit,
    windowMs: windowLength(answer) ?? knownWindowsMs[1],
    slots: [],
    blockedUntil: 0,
    at: nowMs,
  };
  return heard(fresh, nowMs, answer);
}

/** Before the first answer: what the provider documents. */
export function declaredWindow(limit: number, windowMs: number, nowMs: number): RateWindow {
  return { limit, windowMs, slots: [], blockedUntil: 0, declared: true, at: nowMs };
}

/** Calls that this asker may make now. */
export function room(window: RateWindow, nowMs: number, asker: Asker): number {
  const now = Math.max(nowMs, window.at);
  return now < window.blockedUntil ? 0 : roomIn(window, liveSlots(window, now), asker);
}

/** Calls per ms that what goes on by itself can make for ever. */
export function backgroundRate({ limit, windowMs }: Pick<RateWindow, "limit" | "windowMs">): number {
  return shareOf({ limit }, "background") / (windowMs + windowMs / slotsInWindow);
}

/** When every call that was made has passed out of the window. */
export function freeAt(window: RateWindow, nowMs: number): number {
  const ends = liveSlots(window, Math.max(nowMs, window.at)).map(({ slot }) => endOf(window, slot));
  return Math.max(...ends, window.blockedUntil, nowMs);
}

/** The provider has told its limit. */
export function isLimited({ limit }: RateWindow): boolean {
  return limit < unknownLimit;
}

/** Counts one call; ask `room` first. */
export function spend(window: RateWindow, nowMs: number, asker: Asker): RateWindow {
  return counted(window, nowMs, { used: 1, background: asker === "people" ? 0 : 1, sweep: asker === "sweep" ? 1 : 0 });
}

/**
 * How long until `place` calls have room, in ms, if nobody else calls meanwhile: 1 is the next one. At least 1.
 */
export function waitMs(window: RateWindow, nowMs: number, asker: Asker, place: number): number {
  const now = Math.max(nowMs, window.at);
  const share = shareOf(window, asker);
  // A whole line goes in windows; the first one may be partly used.
  const wholeWindows = Math.floor((place - 1) / share);
  const last = place - wholeWindows * share;
  const from = Math.max(now, window.blockedUntil);
  const ends = [from, ...window.slots.map(({ slot }) => endOf(window, slot)).filter((end) => end > from)];
  const free = ends.find((end) => roomIn(window, liveSlots(window, end), asker) >= last) ?? from;
  return Math.max(Math.ceil(free - now + wholeWindows * (window.windowMs + slotMs(window))), 1);
}

/**
 * Corrects by what the provider has said. `remaining` only ever takes away: someone else uses the account, or a call was
 * more than one request. An older answer that comes late says more than is left, and changes nothing.
 */
export function heard(window: RateWindow, nowMs: number, answer: RateAnswer): RateWindow {
  const now = Math.max(nowMs, window.at);
  const { declared, ...heardOf } = window;
  // An answer that tells no limit, where one is documented, comes from an endpoint that has none.
  const limit = wholeLimit(answer.limit) ?? (declared === true ? unknownLimit : window.limit);
  const windowMs = Math.max(window.windowMs, windowLength(answer) ?? 0);
  let next: RateWindow =
    windowMs === window.windowMs ? { ...heardOf, limit } : stretched({ ...heardOf, limit }, windowMs);
  if (answer.retryAfterMs !== undefined) {
    next = { ...next, blockedUntil: Math.max(next.blockedUntil, now + blockMs(answer.retryAfterMs)) };
  }
  if (answer.remaining === undefined || wholeLimit(answer.limit) === undefined) return next;
  const ours = roomIn(next, liveSlots(next, now), "people");
  const foreign = ours - Math.max(Math.floor(answer.remaining), 0);
  return foreign > 0 ? counted(next, now, { used: foreign, background: 0, sweep: 0 }) : next;
}

/**
 * Is this worth writing down? `window` may be a moment old: what the other hosts have called since makes the provider's count
 * a little lower than ours, as expected. A difference of a twentieth is someone else, and an empty budget is news in any case.
 */
export function isNews(window: RateWindow | undefined, nowMs: number, answer: RateAnswer): boolean {
  if (window === undefined) return answer.limit !== undefined || answer.retryAfterMs !== undefined;
  if (answer.retryAfterMs !== undefined || window.declared === true) return true;
  const limit = wholeLimit(answer.limit);
  if (limit === undefined) return false;
  if (limit !== window.limit || (windowLength(answer) ?? 0) > window.windowMs) return true;
  if (answer.remaining === undefined) return false;
  const foreign = roomIn(window, liveSlots(window, Math.max(nowMs, window.at)), "people") - answer.remaining;
  return foreign >= limit * newsShare || (foreign > 0 && answer.remaining <= 0);
}

/** What a provider asks for after a 429, within bounds. */
export function blockMs(retryAfterMs: number | undefined): number {
  const asked = retryAfterMs === undefined || Number.isNaN(retryAfterMs) ? defaultBlockMs : retryAfterMs;
  return Math.min(Math.max(asked, blockBoundsMs.min), blockBoundsMs.max);
}

type Calls = Omit<Slot, "slot">;

function counted(window: RateWindow, nowMs: number, calls: Calls): RateWindow {
  const now = Math.max(nowMs, window.at);
  const slots = liveSlots(window, now);
  const slot = Math.floor(now / slotMs(window));
  const last = slots.at(-1);
  const same = last?.slot === slot ? [last] : [];
  const others = last?.slot === slot ? slots.slice(0, -1) : slots;
  return { ...window, slots: [...others, { slot, ...sum([...same, calls]) }], at: now };
}

function sum(all: readonly Calls[]): Calls {
  const total = { used: 0, background: 0, sweep: 0 };
  for (const { used, background, sweep } of all) {
    total.used += used;
    total.background += background;
    total.sweep += sweep;
  }
  return total;
}

function roomIn(window: RateWindow, slots: readonly Slot[], asker: Asker): number {
  const { used, background, sweep } = sum(slots);
  const rooms = [window.limit - used];
  if (asker !== "people") rooms.push(shareOf(window, "background") - background);
  if (asker === "sweep") rooms.push(shareOf(window, "sweep") - sweep);
  return Math.max(Math.min(...rooms), 0);
}

/** Of the limit, in calls. At least one: an account of a few calls a minute is still swept, slowly. */
function shareOf({ limit }: Pick<RateWindow, "limit">, asker: Asker): number {
  if (asker === "people") return limit;
  const background = Math.max(Math.floor(limit * (1 - peopleShare)), 1);
  return asker === "background" ? background : Math.max(Math.floor(background * sweepShare), 1);
}

function liveSlots(window: RateWindow, now: number): Slot[] {
  return window.slots.filter(({ slot }) => endOf(window, slot) > now);
}

/** When a call at the very end of the slot is a window old. */
function endOf(window: RateWindow, slot: number): number {
  return (slot + 1) * slotMs(window) + window.windowMs;
}

function slotMs({ windowMs }: RateWindow): number {
  return windowMs / slotsInWindow;
}

/** A longer window than was thought: what was counted is counted as if it were now, which forgets nothing. */
function stretched(window: RateWindow, windowMs: number): RateWindow {
  const calls = sum(liveSlots(window, window.at));
  const empty = { ...window, windowMs, slots: [] };
  return calls.used === 0 ? empty : counted(empty, window.at, calls);
}

function wholeLimit(limit: number | undefined): number | undefined {
  return limit !== undefined && limit >= 1 && Number.isFinite(limit) ? Math.floor(limit) : undefined;
}

function windowLength({ windowMs, resetInMs }: RateAnswer): number | undefined {
  if (windowMs !== undefined) return windowMs;
  if (resetInMs === undefined || !Number.isFinite(resetInMs) || resetInMs <= 0) return undefined;
  // Resets are told in whole seconds: one of 15.4 s is of a window of 15.
  return knownWindowsMs.find((known) => resetInMs <= known + 1_000) ?? knownWindowsMs[2];
}
