import type { Kysely } from "kysely";
import { z } from "zod";
import { Batches } from "../budget/batches.ts";
import type { TrafficDatabase } from "../budget/tables.ts";
import type { Timings } from "../options.ts";
import { instant } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";
import {
  abandoned,
  admitted,
  closedCircuit,
  failed,
  failingSince,
  isClean,
  succeeded,
  type Admission,
  type Circuit,
  type CircuitError,
  type CircuitRules,
} from "./circuit.ts";
import { standstillMs, type Outage } from "./standstill.ts";

/** Which circuit a call goes through; `region` is empty for calls that concern none. */
export interface CircuitKey {
  account: string;
  region: string;
}

/** How things stood when a call began: its success is handed in with it. */
export interface CallBegun {
  /** What `read` said. */
  before?: Circuit | undefined;
  /**
   * What `noted` said: of thirty calls at once that all began on a clean circuit the successes count beside the failures, else
   * eight failures among them were a row of eight, and opened it.
   */
  noted?: number;
  /** The call is this probe. */
  probe?: number | undefined;
}

/** A circuit as people are shown it; only those that are not in order are kept. `since`: of the outage, in ms since 1970. */
export interface CircuitView extends CircuitKey {
  state: "failing" | "open" | "half-open";
  since: number;
  lastError: CircuitError | undefined;
}

/** The limit of a probe, in ms: it is cut off before another may go. */
export const probeMs = 60_000;
/** The longest pause beside the first. */
const pausesMax = 12;
/** Of the first pause: longer than a call of a healthy provider takes. */
const evidencePart = 0.4;
/** An outage is remembered for so long after its end: many times the longest provision. */
const outageKeptMs = 7 * 24 * 60 * 60_000;

/** The first pause is that after any failed call. */
export function circuitRules(timings: Timings): CircuitRules {
  const openMs = timings.unreachableRetryMs;
  return { openMs, openMaxMs: openMs * pausesMax, probeMs, evidenceMs: openMs * evidencePart };
}

/** Changes in one transaction: arithmetic only, so it stays short. */
const batchMax = 64;

type Change = (circuit: Circuit, now: number) => Circuit;

const errorSchema = z.object({ at: z.number(), code: z.string(), message: z.string() });
const kept = { probes: z.number() };
const troubled = { since: z.number(), until: z.number(), opened: z.number(), lastError: errorSchema, ...kept };
const circuitSchema = z.discriminatedUnion("state", [
  z.object({
    state: z.literal("closed"),
    calls: z.number(),
    bad: z.number(),
    countedSince: z.number(),
    streak: z.number(),
    failingSince: z.number().optional(),
    lastError: errorSchema.optional(),
    ...kept,
  }),
  z.object({ state: z.literal("open"), ...troubled }),
  z.object({ state: z.literal("half-open"), ...troubled }),
]);

/**
 * C12: the circuits of all accounts and regions, shared by all hosts: one row for each, locked while it is changed, and the outages
 * that the clock of C7 does not count. A healthy provider costs one read for each call and no write.
 */
export class Circuits {
  readonly #store: Store;
  readonly #rules: CircuitRules;
  /** A call that began before a failure was noted cannot know of it by what it read. */
  readonly #noted = new Map<string, number>();
  readonly #changes: Batches<{ key: CircuitKey; change: Change }, void>;

  constructor(store: Store, rules: CircuitRules) {
    this.#store = store;
    this.#rules = rules;
    this.#changes = new Batches(batchMax, (asked) => this.#apply(asked));
  }

  /** The circuit before a call; undefined while it has never failed. */
  async read(key: CircuitKey): Promise<Circuit | undefined> {
    const row = await this.#store.db
      .withTables<TrafficDatabase>()
      .selectFrom("control_circuit")
      .select("state")
      .where("account", "=", key.account)
      .where("region", "=", key.region)
      .executeTakeFirst();
    return row === undefined ? undefined : read(row.state);
  }

  /** How long to stay away, in ms; undefined when a call, or a probe, may be tried. Changes nothing. */
  async pauseMs(circuit: Circuit | undefined): Promise<number | undefined> {
    if (circuit === undefined || circuit.state === "closed") return undefined;
    const { answer } = admitted(circuit, await this.#store.now(), this.#rules);
    return answer.go ? undefined : answer.waitMs;
  }

  /** Lets a call through, or a probe, or says when to come back. */
  async admit(key: CircuitKey): Promise<Admission> {
    let answer: Admission = { go: true };
    await this.#change(key, (circuit, now) => {
      const result = admitted(circuit, now, this.#rules);
      answer = result.answer;
      return result.circuit;
    });
    return answer;
  }

  /** Failures that this process has noted so far: for `CallBegun`. */
  noted(key: CircuitKey): number {
    return this.#noted.get(textOf(key)) ?? 0;
  }

  /** The provider has answered. A healthy one is not written at all. */
  async succeeded(key: CircuitKey, { before, noted, probe }: CallBegun): Promise<void> {
    const isHealthy = (before === undefined || isClean(before)) && noted === this.noted(key);
    if (probe === undefined && isHealthy) return;
    await this.#change(key, (circuit, now) => succeeded(circuit, now, probe));
  }

  /** The provider has failed (`isProvidersFault`). */
  async failed(key: CircuitKey, error: { code: string; message: string }, probe?: number): Promise<void> {
    const { code, message } = error;
    this.#noted.set(textOf(key), this.noted(key) + 1);
    await this.#change(key, (circuit, at) => failed(circuit, { at, code, message }, this.#rules, probe));
  }

  /** A probe that was never made, or that we cut off ourselves. */
  async abandoned(key: CircuitKey, probe: number): Promise<void> {
    await this.#change(key, (circuit, now) => abandoned(circuit, now, probe));
  }

  /** Circuits that are not in order, with their last error: of all accounts, or of this one. */
  async list(of?: string): Promise<CircuitView[]> {
    const db = this.#store.db.withTables<TrafficDatabase>();
    let select = db.selectFrom("control_circuit").selectAll().orderBy("account").orderBy("region");
    if (of !== undefined) select = select.where("account", "=", of);
    const rows = await select.execute();
    return rows.flatMap(({ account, region, state: text }) => {
      const circuit = read(text);
      const since = failingSince(circuit);
      if (since === undefined) return [];
      const state = circuit.state === "closed" ? "failing" : circuit.state;
      return [{ account, region, state, since, lastError: circuit.lastError }];
    });
  }

  /** C7: ms between two instants in which this provider was down, by the store's clock. */
  async standstillMs(key: CircuitKey, fromMs: number, toMs: number): Promise<number> {
    const rows = await this.#store.db
      .withTables<TrafficDatabase>()
      .selectFrom("control_outage")
      .select(["began_at", "ended_at"])
      .where("account", "=", key.account)
      .where("region", "=", key.region)
      .where((eb) => eb.or([eb("ended_at", "is", null), eb("ended_at", ">", fromMs)]))
      .execute();
    const outages = rows.map((row): Outage => {
      const endedAt = instant(row.ended_at);
      return { beganAt: Number(row.began_at), ...(endedAt === null ? {} : { endedAt }) };
    });
    const circuit = await this.read(key);
    const beganAt = circuit === undefined ? undefined : failingSince(circuit);
    if (beganAt !== undefined) outages.push({ beganAt });
    return standstillMs(outages, fromMs, toMs);
  }

  /** Forgets outages that no clock can ask for any more. */
  async prune(nowMs: number): Promise<void> {
    await this.#store.db
      .withTables<TrafficDatabase>()
      .deleteFrom("control_outage")
      .where("ended_at", "<", nowMs - outageKeptMs)
      .execute();
  }

  #change(key: CircuitKey, change: Change): Promise<void> {
    return this.#changes.ask(textOf(key), { key, change });
  }

  /** All of one circuit: a provider that fails three calls in ten has every call's outcome written. */
  async #apply(asked: readonly { key: CircuitKey; change: Change }[]): Promise<void[]> {
    const [first] = asked;
    if (first === undefined) return [];
    const { key } = first;
    const now = await this.#store.now();
    await this.#store.write(async (write) => {
      const db = write.db.withTables<TrafficDatabase>();
      const before = await locked(db, key, now);
      let circuit = before;
      for (const { change } of asked) {
        const after = change(circuit, now);
        if (circuit.state === "closed" && after.state === "open") await began(db, key, after.since);
        if (circuit.state !== "closed" && after.state === "closed") await ended(db, key, now);
        circuit = after;
      }
      if (circuit === before) return;
      await db
        .updateTable("control_circuit")
        .set({ state: JSON.stringify(circuit) })
        .where("account", "=", key.account)
        .where("region", "=", key.region)
        .execute();
    });
    return asked.map(() => undefined);
  }
}

function textOf({ account, region }: CircuitKey): string {
  return `${account} ${region}`;
}

/** The row, made if need be; nobody else changes it before this transaction has ended. */
async function locked(db: Kysely<TrafficDatabase>, key: CircuitKey, now: number): Promise<Circuit> {
  const row = await db
    .insertInto("control_circuit")
    .values({ ...key, state: JSON.stringify(closedCircuit(now)), version: 0 })
    .onConflict((conflict) =>
      conflict.columns(["account", "region"]).doUpdateSet((eb) => ({ version: eb("control_circuit.version", "+", 1) })),
    )
    .returning("state")
    .executeTakeFirstOrThrow();
  return read(row.state);
}

async function began(db: Kysely<TrafficDatabase>, key: CircuitKey, at: number): Promise<void> {
  await db
    .insertInto("control_outage")
    .values({ ...key, began_at: at, ended_at: null })
    .onConflict((conflict) => conflict.columns(["account", "region", "began_at"]).doUpdateSet({ ended_at: null }))
    .execute();
}

async function ended(db: Kysely<TrafficDatabase>, key: CircuitKey, at: number): Promise<void> {
  await db
    .updateTable("control_outage")
    .set({ ended_at: at })
    .where("account", "=", key.account)
    .where("region", "=", key.region)
    .where("ended_at", "is", null)
    .execute();
}

function read(state: string): Circuit {
  const circuit = circuitSchema.parse(JSON.parse(state));
  if (circuit.state !== "closed") return circuit;
  return { ...circuit, failingSince: circuit.failingSince, lastError: circuit.lastError };
}
