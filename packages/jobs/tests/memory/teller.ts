/**
 * A manager in a process of its own, for tests that need several or kill one. Told over IPC what to do; answers with what came
 * of it. Arguments: where the store is (a file, or a URL of PostgreSQL), its schema, the folder where managers of this host meet, the
 * manager's lease.
 */
import { JobManager, type SemaphoreScope } from "../../src/index.ts";
import { postgres } from "../../src/transporters/postgres/index.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";

export type ToTeller =
  | { act: "withdraw"; key: string; scope: SemaphoreScope; times: number; way: "atomic" | "plain" }
  | { act: "hold"; name: string; scope: SemaphoreScope }
  /** In the section of this name: says so, lets nothing else run for `ms`, and leaves word in the memory under the same key. */
  | { act: "block"; name: string; scope: SemaphoreScope; ms: number };

export type FromTeller =
  | { is: "ready" }
  | { is: "done"; got: number }
  | { is: "holding" }
  | { is: "unblocked" }
  | { is: "failed"; why: string };

const [place = "", schema = "", hostFolder = "", lease = "3600000"] = process.argv.slice(2);
const transporter = place.startsWith("postgres")
  ? postgres({ connectionString: place, schema, poolMax: 1, sqlPoolMax: 1 })
  : // A hundred of them may be at one file.
    sqlite(place, { busyTimeoutMs: 60_000 });
await transporter.start();
const manager = new JobManager({ transporter, hostFolder, lease: Number(lease) });
const tell = (message: FromTeller): void => void process.send?.(message);
const acts = { withdraw, hold, block };

process.on("message", (told: ToTeller) => {
  // Each act takes what is told of it.
  const act = acts[told.act] as (told: ToTeller) => Promise<void>;
  act(told).catch((thrown: unknown) => tell({ is: "failed", why: String(thrown) }));
});
process.on("disconnect", () => process.exit(0));
tell({ is: "ready" });

async function hold({ name, scope }: Extract<ToTeller, { act: "hold" }>): Promise<void> {
  await manager.semaphore(name, { scope }).acquire();
  tell({ is: "holding" });
}

async function block({ name, scope, ms }: Extract<ToTeller, { act: "block" }>): Promise<void> {
  await manager.ensureAtomicity(
    name,
    async () => {
      // The message is written out before the loop stands still.
      await new Promise((resolve) => process.send?.({ is: "holding" } satisfies FromTeller, undefined, {}, resolve));
      for (const until = performance.now() + ms; performance.now() < until;);
      await manager.memory(scope).add(name, "left last");
    },
    { scope },
  );
  tell({ is: "unblocked" });
}

async function withdraw({ key, scope, times, way }: Extract<ToTeller, { act: "withdraw" }>): Promise<void> {
  const bank = manager.memory(scope);
  let got = 0;
  for (let time = 0; time < times; time += 1) {
    const one = async (): Promise<void> => {
      const balance = Number(await bank.get(key));
      if (balance < 1) return;
      // Long enough for the others to come between, were they let.
      await new Promise((resolve) => setTimeout(resolve, 2));
      await bank.add(key, balance - 1);
      got += 1;
    };
    await (way === "plain" ? one() : manager.ensureAtomicity(key, one, { scope, timeout: "10m" }));
  }
  tell({ is: "done", got });
}
