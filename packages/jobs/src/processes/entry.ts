import { getHeapStatistics } from "node:v8";
import { parentPort, Worker } from "node:worker_threads";
import { JobsError } from "../core/errors.ts";
import { failureOf } from "../core/failure.ts";
import type { FlowFailure } from "../core/context.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import { newItem } from "../core/prepare.ts";
import type { JobDefinition } from "../core/request.ts";
import { runHandler } from "./handler.ts";
import { attemptAtomicity } from "../memory/atomicity.ts";
import type { MemoryCall, MemoryReply } from "../memory/channel.ts";
import { isolatedScopes } from "../memory/isolated-scopes.ts";
import { markIsolated } from "./isolation.ts";
import type { HandlerHost } from "./process.ts";
import type { FromIsolated, Question, ToIsolated } from "./protocol.ts";

/** What an isolated process runs: a thread and a child differ in their line to the manager, and in nothing else. */

const asks = new Map<number, { resolve: (value: unknown) => void; reject: (error: JobsError) => void }>();
let lastAsk = 0;
let controller: AbortController | undefined;

const post: (message: FromIsolated) => void = parentPort === null ? sendToParent : postToParent;

function sendToParent(message: FromIsolated): void {
  process.send?.(message);
}

function postToParent(message: FromIsolated): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  parentPort?.postMessage(message);
}

/** Semaphores and memory (L12): a child's from the start; a thread's seat comes before its first attempt. */
let shared = isolatedScopes(askMemory, undefined);

async function askMemory(call: MemoryCall): Promise<MemoryReply> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- answered by `isolated.ts`
  return (await ask(call)) as MemoryReply;
}

function ask(what: Question | MemoryCall): Promise<unknown> {
  return new Promise((resolve, reject) => {
    lastAsk += 1;
    asks.set(lastAsk, { resolve, reject });
    post({ kind: "ask", ask: lastAsk, what });
  });
}

function heard(message: ToIsolated): void {
  switch (message.kind) {
    case "load":
      void load(message.module, message.job);
      return;
    case "run":
      void run(message);
      return;
    case "abort":
      controller?.abort(new JobsError(message.code, message.message));
      return;
    case "seat":
      shared = isolatedScopes(askMemory, message.seat);
      return;
    case "permit-lost":
      shared.remote.lost(message);
      return;
    case "answer": {
      const waiting = asks.get(message.ask);
      asks.delete(message.ask);
      if ("error" in message) waiting?.reject(new JobsError(message.error.code, message.error.message));
      else waiting?.resolve(message.value);
    }
  }
}

async function load(module: string, job: string): Promise<void> {
  try {
    await definitionOf(module, job);
    post({ kind: "loaded" });
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    post({ kind: "refused", message });
  }
}

/** Found by its name among what the module exports: itself, or in an exported list or object of jobs. */
async function definitionOf(module: string, job: string): Promise<JobDefinition> {
  let exported: Record<string, unknown>;
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a module's namespace is one
    exported = (await import(module)) as Record<string, unknown>;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new JobsError(
      "invalid_definition",
      `job ${JSON.stringify(job)}: its module ${module} does not load: ${why}`,
      {
        cause,
      },
    );
  }
  for (const value of Object.values(exported)) {
    if (isDefinition(value, job)) return value;
    const members: unknown[] = typeof value === "object" && value !== null ? Object.values(value) : [];
    const member = members.find((each): each is JobDefinition => isDefinition(each, job));
    if (member !== undefined) return member;
  }
  throw new JobsError(
    "invalid_definition",
    `job ${JSON.stringify(job)}: its module ${module} does not export it: write \`export const … = defineJob(${JSON.stringify(job)}, …)\``,
  );
}

function isDefinition(value: unknown, job: string): value is JobDefinition {
  if (typeof value !== "object" || value === null) return false;
  return "name" in value && value.name === job && "run" in value && typeof value.run === "function";
}

async function run({ module, claimed, mark }: Extract<ToIsolated, { kind: "run" }>): Promise<void> {
  const own = new AbortController();
  controller = own;
  let end: AttemptEnd;
  try {
    const definition = await definitionOf(module, claimed.name);
    const host: Omit<HandlerHost, "over"> = {
      claimed,
      definition,
      signal: own.signal,
      // Its manager has called it begun.
      begin: () => true,
      atomicity: attemptAtomicity(shared.scopes, own.signal),
      prepare: (item) => newItem(item, async () => Number(await ask("now"))),
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- answered by `isolated.ts`
      flowFailure: async () => (await ask("flowFailure")) as FlowFailure | undefined,
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- answered by `isolated.ts`
      resultsOf: async (name) => (await ask({ resultsOf: name })) as (string | undefined)[],
      progress: (value) => post({ kind: "progress", value }),
      log,
    };
    end = await new Promise((over) => runHandler({ ...host, over }));
  } catch (thrown) {
    end = { kind: "error", failure: failureOf(thrown) };
  }
  controller = undefined;
  process.stdout.write(`${mark}\n`);
  process.stderr.write(`${mark}\n`);
  post({ kind: "ended", end, memoryBytes: memoryBytes() });
}

function log(message: string, fields: Readonly<Record<string, unknown>>): void {
  try {
    post({ kind: "log", message, fields });
  } catch {
    // Something in it cannot be cloned (a function): the message is worth more than its fields.
    post({ kind: "log", message, fields: { dropped: Object.keys(fields).join(", ") } });
  }
}

function memoryBytes(): number {
  if (parentPort === null) return process.memoryUsage.rss();
  const { total_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** The manager decides how its children end: a Ctrl-C or a service manager tells the whole group. */
function obeyManager(): void {
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => {
    if (controller === undefined || controller.signal.aborted) process.exit(143);
  });
  process.on("disconnect", () => process.exit(1));
  // A blocked event loop does not hear that its manager is gone.
  const watchUrl = new URL(
    import.meta.url.endsWith(".ts") ? "./orphan-watch.ts" : "./orphan-watch.js",
    import.meta.url,
  );
  new Worker(watchUrl, {
    workerData: Number(process.argv[2]),
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 1 },
  }).unref();
}

markIsolated();
if (parentPort === null) {
  obeyManager();
  process.on("message", (message: ToIsolated) => heard(message));
} else {
  parentPort.on("message", (message: ToIsolated) => heard(message));
}
post({ kind: "ready" });
