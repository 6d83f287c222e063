/** The `code` that Node, drivers and the framework put on their errors. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** The last of the chain of causes: wrappers say what they were doing, the innermost what went wrong. */
export function rootCause(error: unknown): unknown {
  const [last] = causes(error).slice(-1);
  return last;
}

/** The error and its causes, the outermost first; bounded, since a chain may bite its tail. */
export function causes(error: unknown): unknown[] {
  const depthMax = 8;
  const chain: unknown[] = [error];
  let each = error;
  while (chain.length < depthMax && each instanceof Error) {
    each = each instanceof AggregateError ? each.errors[0] : each.cause;
    if (each === undefined) break;
    chain.push(each);
  }
  return chain;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
