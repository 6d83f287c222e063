import { defineJob, typed, type ProcessKind, type SemaphoreScope } from "../../src/index.ts";

/** Jobs that use semaphores and shared memory from every kind of process, for tests: a module that does nothing but define them. */

export interface Withdrawals {
  key: string;
  scope: SemaphoreScope;
  times: number;
  /** `atomic`: in `ensureAtomicity`. `plain`: reads and writes without it. */
  way: "atomic" | "plain";
}

function tellers(process: ProcessKind) {
  const where = process === "inline" ? {} : { process, module: import.meta.url };
  return {
    /** Withdraws 1 so many times; returns how many it got. */
    withdraws: defineJob(`${process}.withdraws`, {
      ...where,
      input: typed<Withdrawals>(),
      timeout: "10m",
      run: async ({ input: { key, scope, times, way }, ensureAtomicity, memory }) => {
        const bank = memory(scope);
        const withdraw = async (): Promise<number> => {
          const balance = Number(await bank.get(key));
          if (balance < 1) return 0;
          await new Promise((resolve) => setImmediate(resolve));
          await bank.add(key, balance - 1);
          return 1;
        };
        let got = 0;
        for (let time = 0; time < times; time += 1) {
          got += await (way === "plain" ? withdraw() : ensureAtomicity(key, withdraw, { scope, timeout: "10m" }));
        }
        return got;
      },
    }),
    /** Counts itself in the manager's memory (`here`) and waits for the gate: so that many processes are up at a time. */
    gathers: defineJob(`${process}.gathers`, {
      ...where,
      input: typed<{ gate: string }>(),
      timeout: "10m",
      run: async ({ input: { gate }, ensureAtomicity, memory }) => {
        await memory("manager").atomIncrement("here");
        await ensureAtomicity(gate, () => undefined, { scope: "manager", timeout: "10m" });
      },
    }),
    /** Takes the semaphore and ends without giving it back. */
    leaves: defineJob(`${process}.leaves`, {
      ...where,
      input: typed<{ name: string; scope: SemaphoreScope }>(),
      run: async ({ input: { name, scope }, semaphore }) => (await semaphore(name, { scope }).acquire()).fence,
    }),
    /** Takes the semaphore and holds it until it is ended; `memory("manager")` tells when it has it. */
    holds: defineJob(`${process}.holds`, {
      ...where,
      input: typed<{ name: string; scope: SemaphoreScope }>(),
      attempts: 1,
      run: async ({ input: { name, scope }, semaphore, memory }) => {
        await semaphore(name, { scope }).acquire();
        await memory("manager").add(`${name} is held`, globalThis.process.pid);
        await new Promise((resolve) => setInterval(resolve, 1 << 30));
      },
    }),
  };
}

export const inline = tellers("inline");
export const inThread = tellers("thread");
export const inChild = tellers("process");
