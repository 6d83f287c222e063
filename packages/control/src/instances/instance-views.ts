import type { Instance } from "@provost/contract";
import type { Budgets } from "../budget/budgets.ts";
import type { Circuits, CircuitView } from "../circuit/circuits.ts";
import type { Timings } from "../options.ts";
import { instanceView, iso, type InstanceRow } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";
import { costOf } from "./cost.ts";

/** Instances as people are shown them, with what is no column: cost so far, and what they wait for (C7, C8, C11, C12). */
export class InstanceViews {
  readonly #store: Store;
  readonly #budgets: Budgets;
  readonly #circuits: Circuits;
  readonly #tombstoneKeptMs: number;

  constructor(parts: { store: Store; budgets: Budgets; circuits: Circuits; timings: Timings }) {
    this.#store = parts.store;
    this.#budgets = parts.budgets;
    this.#circuits = parts.circuits;
    this.#tombstoneKeptMs = parts.timings.tombstoneKeptMs;
  }

  /** In the order of the rows. Two more reads for a page with tasks under way, none for one without. */
  async of(rows: readonly InstanceRow[]): Promise<Instance[]> {
    const now = await this.#store.now();
    const busy = rows.filter(({ task }) => task !== null).map(({ id }) => id);
    const lines = busy.length === 0 ? new Map<string, never>() : await this.#budgets.places(busy);
    const circuits = busy.length === 0 ? [] : await this.#circuits.list();
    return rows.map((row) => {
      const place = lines.get(row.id);
      const outage = row.task === null ? undefined : circuits.find((circuit) => holds(circuit, row));
      // What stands in the line has been turned away since; the circuit comes before the line.
      const waiting = outage === undefined ? place && inLine(place) : forProvider(outage);
      const cost = soFar(row, now);
      return {
        ...instanceView(row, now, this.#tombstoneKeptMs),
        ...(cost === undefined ? {} : { costUsd: cost }),
        ...(waiting === undefined ? {} : { waiting }),
      };
    });
  }
}

/** Of what still stands. What was destroyed is paid; when that was is in its story. */
function soFar(row: InstanceRow, now: number): number | undefined {
  if (row.accepted_at === null || row.status === "destroyed" || row.status === "released") return undefined;
  return costOf(row, now - row.accepted_at);
}

function holds(circuit: CircuitView, row: InstanceRow): boolean {
  return circuit.state !== "failing" && circuit.account === row.provider && circuit.region === row.region;
}

function inLine(line: { place: number; of: number; since: number | undefined }): Instance["waiting"] {
  const { place, of, since } = line;
  return { for: "budget", place, of, ...(since === undefined ? {} : { since: iso(since) }) };
}

function forProvider({ since, lastError }: CircuitView): Instance["waiting"] {
  return { for: "provider", since: iso(since), ...(lastError === undefined ? {} : { reason: lastError.message }) };
}
