/**
 * `npm run prove:bank`: 100 processes withdraw 1 from a balance of 10,000 until nothing is left (L12), in every scope: managers of one store
 * (SQLite, PostgreSQL), managers of one host, threads and child processes of one manager. With `ensureAtomicity` it ends exact; without,
 * updates are lost, which is shown too. A holder killed with -9 in the section frees it within 1 s. Sections per second are reported: of one
 * alone, and of all on one balance. A section reads, lets others run, writes.
 */
import { JobManager, type SemaphoreScope } from "@provost/jobs";
import { postgres } from "@provost/jobs/postgres";
import { sqlite } from "@provost/jobs/sqlite";
import type { Withdrawals } from "../../../packages/jobs/tests/memory/jobs.ts";
import { type Ground, prove } from "../proof.ts";
import { onThrowawayStore, type ProofStore } from "../stores.ts";
import { Branches, type Withdrawn } from "./branches.ts";
import { type BankFigures, tableOf } from "./figures.ts";
import { Isolated } from "./isolated.ts";

const freedMsMax = 1_000;
const freedRounds = 5;
const schema = "bank";

type Bank = Ground<"processes" | "balance">;
type Withdraw = (input: Withdrawals, count: number) => Promise<Withdrawn>;

/** One alone, all in turn, all without turns. */
async function withdrawals(
  name: string,
  manager: JobManager,
  scope: SemaphoreScope,
  withdraw: Withdraw,
  { numbers, check, say }: Bank,
): Promise<Omit<BankFigures, "freedMs" | "startSeconds">> {
  const { processes } = numbers;
  const times = Math.ceil(numbers.balance / processes);
  const balance = processes * times;
  const memory = manager.memory(scope);
  await memory.add("alone", times);
  const one = await withdraw({ key: "alone", scope, times, way: "atomic" }, 1);
  const alone = times / one.seconds;
  check(one.got === times, `${name}: one alone withdraws ${times}: got ${one.got}`);

  await memory.add("atomic", balance);
  const { got, seconds } = await withdraw({ key: "atomic", scope, times, way: "atomic" }, processes);
  const left = await memory.get("atomic");
  check(
    got === balance && left === 0,
    `${name}: ${processes} withdraw ${balance} with ensureAtomicity: got ${got}, left ${String(left)}`,
  );
  say(`${name}: ${seconds.toFixed(1)} s for ${balance} sections`);

  await memory.add("plain", balance);
  const without = await withdraw({ key: "plain", scope, times, way: "plain" }, processes);
  const lost = without.got + Number(await memory.get("plain")) - balance;
  check(lost > 0, `${name}: without it, ${lost} of ${without.got} updates are lost`);
  return { name, alone, together: balance / seconds, lost, updates: without.got };
}

/** Managers in processes of their own, in the scopes that go by this store. */
async function acrossManagers(store: ProofStore, ground: Bank): Promise<BankFigures[]> {
  const { numbers, check, kind } = ground;
  const transporter = kind === "SQLite" ? sqlite(store.address) : postgres({ connectionString: store.address, schema });
  const scopes: SemaphoreScope[] = kind === "SQLite" ? ["store", "host"] : ["store"];
  const branches = new Branches(store, schema);
  const manager = new JobManager({ transporter, hostFolder: branches.hostFolder });
  const figures: BankFigures[] = [];
  try {
    await transporter.start();
    for (const scope of scopes) {
      await branches.open(numbers.processes);
      const { startSeconds } = branches;
      const name = scope === "store" ? `store, ${kind}` : scope;
      const measured = await withdrawals(
        name,
        manager,
        scope,
        (input, count) => branches.withdraw(input, count),
        ground,
      );
      const freedMs = await branches.freed(manager, scope, freedRounds);
      const shown = freedMs.map((ms) => ms.toFixed(0)).join(", ");
      const inTime = freedMs.length === Math.min(freedRounds, numbers.processes) && Math.max(...freedMs) < freedMsMax;
      check(inTime, `${name}: kill -9 in the section: free for the next after ${shown} ms`);
      figures.push({ ...measured, freedMs, startSeconds });
    }
  } finally {
    await branches.close();
    await manager.stop();
    await transporter.stop();
  }
  return figures;
}

/** Isolated jobs of one manager: their permits go back with their death, which the manager sees at once (tests/memory). */
async function withinOne(kind: "thread" | "process", folder: string, ground: Bank): Promise<BankFigures> {
  const { processes } = ground.numbers;
  const isolated = new Isolated(kind, folder, processes);
  try {
    await isolated.open(processes);
    const measured = await withdrawals(
      kind,
      isolated.manager,
      "manager",
      (input, count) => isolated.withdraw(input, count),
      ground,
    );
    return { ...measured, freedMs: [], startSeconds: isolated.startSeconds };
  } finally {
    await isolated.close();
  }
}

await prove(
  {
    name: "bank",
    about: "Withdrawals from one balance, with ensureAtomicity and without, in every scope (L12).",
    numbers: {
      processes: { value: 100, about: "that withdraw at once" },
      balance: { value: 10_000, about: "that they withdraw together, in parts of 1" },
    },
    minutesMax: 30,
  },
  async (ground) => {
    // A connection for each process, and one for each lease thread that would need it.
    const settings = { max_connections: String(2 * ground.numbers.processes + 20) };
    await onThrowawayStore(
      ground.kind,
      async (store) => {
        const figures = await acrossManagers(store, ground);
        if (ground.kind === "SQLite") {
          for (const kind of ["thread", "process"] as const) figures.push(await withinOne(kind, store.folder, ground));
        }
        for (const line of tableOf(figures)) ground.say(line);
      },
      settings,
    );
  },
);
