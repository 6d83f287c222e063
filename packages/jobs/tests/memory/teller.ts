/**
 * A manager in a process of its own, for tests that need several or kill one. Told over IPC what to do; answers with what came
 * of it. Arguments: where the store is (a file, or a URL of PostgreSQL), its schema, the folder where managers of this host meet.
 */
import { JobManager, type SemaphoreScope } from "../../src/index.ts";
import { postgres } from "../../src/transporters/postgres/index.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";

export type ToTeller =
  | { act: "withdraw"; key: string; scope: SemaphoreScope; times: number; way: "atomic" | "plain" }
  | { act: "hold"; name: string; scope: SemaphoreScope };

export type FromTeller =
  | { is: "ready" }
  | { is: "done"; got: number }
  | { is: "holding" }
  | { is: "failed"; why: string };

const [place = "", schema = "", hostFolder = ""] = process.argv.slice(2);
const transporter = place.startsWith("postgres")
  ? postgres({ connectionString: place, schema, poolMax: 1, sqlPoolMax: 1 })
  : sqlite(place);
await transporter.start();
const manager = new JobManager({ transporter, hostFolder, lease: "1h" });
const tell = (message: FromTeller): void => void process.send?.(message);

process.on("message", (told: ToTeller) => {
  const act = told.act === "hold" ? hold(told.name, told.scope) : withdraw(told);
  act.catch((thrown: unknown) => tell({ is: "failed", why: String(thrown) }));
});
process.on("disconnect", () => process.exit(0));
tell({ is: "ready" });

async function hold(name: string, scope: SemaphoreScope): Promise<void> {
  await manager.semaphore(name, { scope }).acquire();
  tell({ is: "holding" });
}

async function withdraw({ key, scope, times, way }: Extract<ToTeller, { act: "withdraw" }>): Promise<void> {
  const bank = manager.memory(scope);
  let got = 0;
  for (let time = 0; time < times; time += 1) {
    const one = async (): Promise<void> => {
      const balance = Number(await bank.get(key));
      if (balance < 1) return;
      await bank.add(key, balance - 1);
      got += 1;
    };
    await (way === "plain" ? one() : manager.ensureAtomicity(key, one, { scope, timeout: "10m" }));
  }
  tell({ is: "done", got });
}
