import { AsyncLocalStorage } from "node:async_hooks";
import type { TokenHolder } from "../surface.ts";

/** One request of a person or program that does something. */
export interface Act {
  readonly actor: TokenHolder;
  readonly requestId: string;
  readonly action: string;
  /** As the caller named it: an id or a name. */
  readonly target: string | undefined;
  /** Lines that were committed to the audit log in its name. */
  lines: number;
  /** Answered: what still runs of it, a job that it has woken, acts for itself. */
  over: boolean;
}

/** Who acts here, carried along the calls of a request, so that no door need hand it on (C15). */
const acts = new AsyncLocalStorage<Act>();

export function runAs<T>(act: Act, run: () => T): T {
  return acts.run(act, run);
}

export function currentAct(): Act | undefined {
  const act = acts.getStore();
  return act?.over === false ? act : undefined;
}
