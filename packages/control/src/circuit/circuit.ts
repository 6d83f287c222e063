/**
 * The circuit breaker of C12 for one account and region, as a state machine without a clock or a store. Failures are those
 * that are the provider's fault; `nowMs` is the store's.
 *
 *   closed ── too many failures ──► open ── its time is over ──► half-open: one probe in the whole fleet
 *     ▲                              ▲                               │
 *     └────────── probe went well ───┼───────────────────────────────┤
 *                                    └── probe failed (longer) ──────┘   a probe that never ends is given up, and another goes
 */
export type Circuit =
  | {
      state: "closed";
      /** Calls and failures since `countedSince`: the proportion. */
      calls: number;
      bad: number;
      countedSince: number;
      /** Failures without a success between, and when the first of them was. */
      streak: number;
      failingSince: number | undefined;
      lastError: CircuitError | undefined;
      /** Of the newest probe ever let through. */
      probes: number;
    }
  | {
      state: "open";
      /** Since when the provider has been failing: the outage's beginning, before it was noticed. */
      since: number;
      until: number;
      /** Opened so often in this outage. */
      opened: number;
      lastError: CircuitError;
      probes: number;
    }
  | {
      state: "half-open";
      since: number;
      /** The probe under way is given up then. */
      until: number;
      opened: number;
      lastError: CircuitError;
      /** Number of the probe under way. */
      probes: number;
    };

/** The failure that people are shown. */
export interface CircuitError {
  at: number;
  code: string;
  message: string;
}

/** How a circuit behaves; times in ms. */
export interface CircuitRules {
  /** First pause after it has opened; it doubles with each failed probe. */
  openMs: number;
  openMaxMs: number;
  /** A probe's limit: no other goes before. */
  probeMs: number;
  /**
   * It never opens on less than this: of thirty calls that begin together those that fail are back at once, those that go well take
   * their time (measured: three failing in ten, and it opened at nearly every burst).
   */
  evidenceMs: number;
}

/** What becomes of a call. `probe`: its number, to be given back with the outcome. */
export type Admission = { go: true; probe?: number } | { go: false; waitMs: number };

/** Failures in a row that open it: three calls in ten may fail for an hour and not meet this. */
const streakMax = 8;
/** The other way to open: at least half of so many calls, in a minute. */
const proportion = { callsMin: 20, bad: 0.5, windowMs: 60_000 } as const;

export function closedCircuit(nowMs: number, probes = 0): Circuit {
  const none = { streak: 0, failingSince: undefined, lastError: undefined };
  return { state: "closed", calls: 0, bad: 0, countedSince: nowMs, ...none, probes };
}

/** May a call be made? A probe is let through by changing the circuit: whoever changes it first has it. */
export function admitted(
  circuit: Circuit,
  nowMs: number,
  rules: CircuitRules,
): { circuit: Circuit; answer: Admission } {
  if (circuit.state === "closed") return { circuit, answer: { go: true } };
  if (nowMs < circuit.until) {
    const leftMs = Math.ceil(circuit.until - nowMs);
    // A probe mostly ends long before its limit.
    return {
      circuit,
      answer: { go: false, waitMs: circuit.state === "open" ? leftMs : Math.min(leftMs, rules.openMs) },
    };
  }
  const probes = circuit.probes + 1;
  const { since, opened, lastError } = circuit;
  const probing: Circuit = { state: "half-open", since, until: nowMs + rules.probeMs, opened, lastError, probes };
  return { circuit: probing, answer: { go: true, probe: probes } };
}

/** The provider has answered. Of an open circuit only the probe under way tells anything: others began before. */
export function succeeded(circuit: Circuit, nowMs: number, probe?: number): Circuit {
  if (circuit.state === "closed") {
    if (isClean(circuit)) return circuit;
    if (nowMs - circuit.countedSince >= proportion.windowMs) return closedCircuit(nowMs, circuit.probes);
    return { ...circuit, calls: circuit.calls + 1, streak: 0, failingSince: undefined };
  }
  return isProbe(circuit, probe) ? closedCircuit(nowMs, circuit.probes) : circuit;
}

/** The provider has not answered as it should. */
export function failed(circuit: Circuit, error: CircuitError, rules: CircuitRules, probe?: number): Circuit {
  const nowMs = error.at;
  if (circuit.state === "closed") return failedClosed(circuit, error, rules);
  if (!isProbe(circuit, probe)) return circuit;
  const opened = circuit.opened + 1;
  const pauseMs = Math.min(rules.openMs * 2 ** Math.min(opened - 1, 30), rules.openMaxMs);
  return {
    state: "open",
    since: circuit.since,
    until: nowMs + pauseMs,
    opened,
    lastError: error,
    probes: circuit.probes,
  };
}

/** The probe was never made, or was cut off by us: another may go at once. */
export function abandoned(circuit: Circuit, nowMs: number, probe: number): Circuit {
  if (circuit.state !== "half-open" || !isProbe(circuit, probe)) return circuit;
  return { ...circuit, state: "open", until: nowMs };
}

/** Nothing to remember: no success needs to be written down. */
export function isClean(circuit: Circuit): boolean {
  return circuit.state === "closed" && circuit.calls === 0 && circuit.streak === 0;
}

/** Since when its provider has been failing; undefined while it answers. The clock of C7 stands still from there on. */
export function failingSince(circuit: Circuit): number | undefined {
  return circuit.state === "closed" ? circuit.failingSince : circuit.since;
}

function failedClosed(
  circuit: Extract<Circuit, { state: "closed" }>,
  error: CircuitError,
  rules: CircuitRules,
): Circuit {
  const nowMs = error.at;
  const old = isClean(circuit) || nowMs - circuit.countedSince >= proportion.windowMs;
  const counts = old
    ? { calls: 1, bad: 1, countedSince: nowMs }
    : { ...circuit, calls: circuit.calls + 1, bad: circuit.bad + 1 };
  const { calls, bad, countedSince } = counts;
  const streak = circuit.streak + 1;
  const since = circuit.failingSince ?? nowMs;
  const isRow = streak >= streakMax && nowMs - since >= rules.evidenceMs;
  const isMost =
    calls >= proportion.callsMin && bad >= calls * proportion.bad && nowMs - countedSince >= rules.evidenceMs;
  if (isRow || isMost) {
    const until = nowMs + rules.openMs;
    return { state: "open", since, until, opened: 1, lastError: error, probes: circuit.probes };
  }
  return {
    state: "closed",
    calls,
    bad,
    countedSince,
    streak,
    failingSince: since,
    lastError: error,
    probes: circuit.probes,
  };
}

/** Its own outcome, not that of an earlier probe which was given up. */
function isProbe(circuit: Circuit, probe: number | undefined): boolean {
  return circuit.state === "half-open" && probe === circuit.probes;
}
