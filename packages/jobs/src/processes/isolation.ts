const mark = Symbol.for("provost.jobs.isolated");

/** This thread or process belongs to a manager, which runs jobs in it. */
export function markIsolated(): void {
  Reflect.set(globalThis, mark, true);
}

export function isIsolated(): boolean {
  return Reflect.get(globalThis, mark) === true;
}
