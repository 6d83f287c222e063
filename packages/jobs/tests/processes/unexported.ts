import { defineJob } from "../../src/index.ts";

/** Isolated jobs that no isolated process can run. */

function notExported() {
  return defineJob("not-exported", { process: "thread", module: import.meta.url, run() {} });
}

/** Called by the test: a module that exported it would be a right one. */
export function unexported(): ReturnType<typeof notExported> {
  return notExported();
}
