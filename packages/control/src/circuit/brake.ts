/** Acting on unwell instances has stopped, until a person has had time to look (C12). Instants in ms since 1970. */
export interface Brake {
  since: number;
  until: number;
}

/** Fewer than these are never an outage. */
const unwellMin = 10;
/** More than this part of an account's instances at once: rather its provider, or we, than they. */
const unwellShare = 0.4;

/** What to do about an instance that looks unwell, and what is remembered. `begun`: a person is to be told. */
export interface BrakeVerdict {
  act: boolean;
  begun: boolean;
  brake: Brake | undefined;
}

/**
 * C12: when too many instances look unwell at once, acting on it stops. It begins once for each such time and ends by itself after
 * `holdMs`, for nothing hangs for ever either (C7).
 */
export function braked(
  brake: Brake | undefined,
  seen: { unwell: number; of: number },
  nowMs: number,
  holdMs: number,
): BrakeVerdict {
  const tooMany = seen.unwell >= unwellMin && seen.unwell > seen.of * unwellShare;
  if (!tooMany) return { act: true, begun: false, brake: undefined };
  if (brake === undefined) return { act: false, begun: true, brake: { since: nowMs, until: nowMs + holdMs } };
  return { act: nowMs >= brake.until, begun: false, brake };
}
