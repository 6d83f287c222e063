import { appendFileSync } from "node:fs";
import { once } from "node:events";
import { defineJob, typed, type ProcessKind } from "../../src/index.ts";

/** Jobs that run in processes of their own, for tests: a module that does nothing but define them. */

const module = import.meta.url;
const kept: Uint8Array[] = [];
let runs = 0;

/** Jobs that end by themselves. */
function regular(process: ProcessKind) {
  return {
    answers: defineJob(`${process}.answers`, {
      process,
      module,
      input: typed<{ say: string }>(),
      run: async ({ input, attempt, fence, idempotencyKey, jobId, flowFailure, log }) => {
        log("answering", { attempt });
        runs += 1;
        const failure = await flowFailure();
        return { said: input.say, fence, idempotencyKey, jobId, failure, runs, pid: globalThis.process.pid };
      },
    }),
    /** Ends as it is told. */
    ends: defineJob(`${process}.ends`, {
      process,
      module,
      backoff: "1h",
      input: typed<"release" | "defer" | "fail" | "throw">(),
      run: ({ input, release, defer, fail }) => {
        if (input === "release") return release({ after: "1h" });
        if (input === "defer") return defer({ after: "1h" });
        if (input === "fail") return fail(new RangeError("no use"));
        throw Object.assign(new RangeError("it broke"), { code: "BROKE" });
      },
    }),
    enqueues: defineJob(`${process}.enqueues`, {
      process,
      module,
      run: async ({ enqueue }) => {
        await enqueue(followUp.with({ say: "enqueued" }, { at: new Date(0) }));
      },
    }),
    prints: defineJob(`${process}.prints`, {
      process,
      module,
      backoff: "1h",
      input: typed<{ lines: number; fail?: boolean }>(),
      run: ({ input }) => {
        for (let line = 1; line <= input.lines; line += 1) console.log(`line ${line}`);
        console.error("an error line");
        globalThis.process.stdout.write("no newline at its end");
        if (input.fail === true) throw new RangeError("it broke");
      },
    }),
    grows: defineJob(`${process}.grows`, {
      process,
      module,
      run: () => {
        kept.push(new Uint8Array(64 * 1_048_576).fill(1));
        return globalThis.process.pid;
      },
    }),
  };
}

/** Jobs that look at their flow, or tell how far they are. */
function telling(process: ProcessKind) {
  return {
    /** A later stage: reads what the earlier ones found out, and tells how far it is, the latest counting. */
    sums: defineJob(`${process}.sums`, {
      process,
      module,
      run: async ({ resultsOf, progress, semaphore }) => {
        const found = await resultsOf(figure);
        for (let done = 1; done <= found.length; done += 1) progress({ done, of: found.length });
        // Held until the test has read the progress, which goes with the attempt that told it.
        await semaphore("read", { scope: "manager" }).use(() => undefined);
        return { found, none: await resultsOf(followUp) };
      },
    }),
    overflows: defineJob(`${process}.overflows`, {
      process,
      module,
      backoff: "1h",
      run: ({ progress }) => progress("x".repeat(10_000)),
    }),
  };
}

/** Jobs that must be ended, or that end their process. */
function rogue(process: ProcessKind) {
  return {
    /** Turns for ever without heeding its signal; its event loop is free. */
    deaf: defineJob(`${process}.deaf`, {
      process,
      module,
      backoff: "1h",
      timeout: 200,
      run: () => {
        console.log("turning");
        return new Promise((resolve) => setInterval(resolve, 1 << 30));
      },
    }),
    /** Ends when it is asked to. */
    heeds: defineJob(`${process}.heeds`, {
      process,
      module,
      backoff: "1h",
      run: ({ signal, log }) =>
        new Promise((_, reject) => {
          setInterval(() => undefined, 1 << 30);
          log("waiting");
          signal.addEventListener("abort", () => reject(signal.reason as Error));
        }),
    }),
    /** Blocks its event loop: for `ms`, or for ever. */
    blocks: defineJob(`${process}.blocks`, {
      process,
      module,
      backoff: "1h",
      timeout: "1h",
      input: typed<{ ms?: number; ledger?: string }>(),
      run: ({ input, fence, log }) => {
        if (input.ledger !== undefined) appendFileSync(input.ledger, `${fence} ${globalThis.process.pid}\n`);
        log("blocking");
        const until = input.ms === undefined ? Infinity : performance.now() + input.ms;
        while (performance.now() < until);
        return "unblocked";
      },
    }),
    /** Dies in the given way. */
    dies: defineJob(`${process}.dies`, {
      process,
      module,
      backoff: 0,
      input: typed<"exit" | "out-of-memory" | "uncaught" | "signal">(),
      run: async ({ input }) => {
        console.log("about to die");
        console.error(`of ${input}`);
        if (input === "exit") globalThis.process.exit(0);
        if (input === "signal") globalThis.process.kill(globalThis.process.pid, "SIGSEGV");
        if (input === "uncaught") {
          setImmediate(() => {
            throw new RangeError("nobody catches this");
          });
        }
        if (input === "out-of-memory") {
          const held: string[][] = [];
          for (;;) held.push(Array.from({ length: 10_000 }, (_, index) => `${index} ${Math.random()}`));
        }
        await new Promise(() => setInterval(() => undefined, 1 << 30));
      },
    }),
  };
}

/** Inline: what isolated jobs behind it read. */
export const figure = defineJob("figure", { input: typed<number>(), run: ({ input }) => ({ figure: input }) });

export const followUp = defineJob("follow-up", { input: typed<{ say: string }>(), run: ({ input }) => input.say });

export const longBlocks = defineJob("long-blocks", {
  process: "thread",
  module,
  lane: "long",
  run: ({ log }) => {
    log("blocking");
    for (;;);
  },
});

/** Processed when its process has been told to end in both ways that a terminal or a service manager would. */
export const heardSignals = defineJob("heard-signals", {
  process: "process",
  module,
  run: async ({ log }) => {
    const heard = Promise.all([once(process, "SIGINT"), once(process, "SIGTERM")]);
    log("listening", { pid: process.pid });
    await heard;
  },
});

export const inline = { ...regular("inline"), ...telling("inline"), ...rogue("inline") };
export const inThread = { ...regular("thread"), ...telling("thread"), ...rogue("thread") };
export const inChild = { ...regular("process"), ...telling("process"), ...rogue("process") };
