import type { ProviderService } from "../accounts/provider-service.ts";
import type { Brakes } from "../circuit/brakes.ts";
import type { Log, Timings } from "../options.ts";
import type { Store } from "../storage/store.ts";
import type { SweepBook } from "./sweep-book.ts";

/** What sweeps, feeds and looks share. */
export interface SweepParts {
  store: Store;
  providers: ProviderService;
  brakes: Brakes;
  book: SweepBook;
  timings: Timings;
  log: Log;
  /** This deployment's id, as it is written at the provider. */
  deployment: () => string;
}

/** How a run ends: over, or to be called again after a while. */
export type RunEnd = { end: "done" } | { end: "later"; afterMs: number };

export const over: RunEnd = { end: "done" };

/** What a call is that nobody asked for (C11). */
export const background = { asker: "background" } as const;
export const feeding = { group: "collections", asker: "background" } as const;
export const sweeping = { group: "collections", asker: "sweep" } as const;
