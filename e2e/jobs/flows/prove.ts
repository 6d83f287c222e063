/**
 * `npm run prove:flows`: a flow three levels deep with 1,000 siblings, one of which fails, under each policy: by its own word, and as its last
 * attempt dies with its worker (`kill -9`). Outcome, reasons and `onFailed` are as documented, and after a retry from what failed the flow completes
 * (L6, L10). Then 10,000 waits with a wake key: a wake that is not committed wakes nothing, one that comes during the attempt is kept (L7).
 */
import { fork, type ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { JobManager, type Flow, type Job, type StagePolicy, type Transporter } from "@provost/jobs";
import { prove, type Ground } from "../proof.ts";
import { storeAt } from "../store-at.ts";
import { allJobs, killed, onThrowawayStore, until, type ProofStore } from "../stores.ts";
import { deepFlow, report, type Failing } from "./jobs.ts";
import { Waits } from "./waits.ts";

const workerScript = fileURLToPath(new URL("worker.ts", import.meta.url));
const leaseMs = 2_000;
const workersCount = 2;
const endMsMax = 120_000;
/** Of a manager, by default. */
const slots = 64;
/** What the siblings keep one manager busy for, so that some are untried when the failure comes, or the death of the other is found out. */
const busyMs = 12_000;

type Sizes = Ground<"siblings" | "waits">;

/** The workers; one whose job asks for it is killed, and replaced. */
class Workers {
  readonly #address: string;
  readonly #children = new Set<ChildProcess>();
  #isOver = false;
  killed = 0;

  constructor(address: string) {
    this.#address = address;
    for (let n = 0; n < workersCount; n += 1) this.#start();
  }

  #start(): void {
    const child = fork(workerScript, [this.#address, String(leaseMs)], { execArgv: process.execArgv });
    this.#children.add(child);
    child.once("message", () => {
      this.killed += 1;
      child.kill("SIGKILL");
    });
    child.once("exit", () => {
      this.#children.delete(child);
      if (!this.#isOver) this.#start();
    });
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all([...this.#children].map(killed));
  }
}

interface Ended {
  flow: Flow;
  jobs: Job[];
}

const of = (jobs: readonly Job[], name: string): Job[] => jobs.filter((job) => job.name === name);
const count = (jobs: readonly Job[], status: Job["status"]): number =>
  jobs.filter((job) => job.status === status).length;
const bad = (jobs: readonly Job[]): Job | undefined => of(jobs, "step")[0];

/** What the law says of a policy: which of the siblings ended how, why the later ones did not run, how the flow ended. */
function checkOutcome(policy: StagePolicy, { flow, jobs }: Ended, what: string, { numbers, check }: Sizes): void {
  const failed = bad(jobs);
  const steps = of(jobs, "step").slice(1);
  const leaves = of(jobs, "leaf");
  const [processed, cancelled] = [count(steps, "processed"), count(steps, "cancelled")];
  const isAsPolicy = policy === "fail-fast" ? cancelled > 0 : cancelled === 0;
  check(
    failed?.status === "failed" && isAsPolicy && processed + cancelled === numbers.siblings - 1,
    `${what}: one of ${numbers.siblings} siblings failed, ${processed} were processed, ${cancelled} cancelled untried`,
  );
  const orphans = leaves.filter(({ status }) => status !== "processed");
  const named = orphans.filter(({ status, failure, parentId }) => {
    return (
      status === "failed" && failure?.code === "parent_failed" && failure.message.includes(parentId ?? "no parent")
    );
  });
  check(
    named.length === orphans.length && orphans.length === 1 + cancelled,
    `${what}: ${named.length} of ${1 + cancelled} children of those failed with a reason that names their parent`,
  );
  const later = [...of(jobs, "join"), ...of(jobs, "last")];
  const opens = policy === "all-settled";
  const reasons = later.map(({ status, failure }) => `${status} ${failure?.code ?? ""}`.trim()).join(", ");
  const isLater = later.every(({ status, failure }) =>
    opens ? status === "processed" : status === "failed" && failure?.message.includes(failed?.id ?? "") === true,
  );
  check(isLater && later.length === 2, `${what}: the stages behind them: ${reasons}`);
  check(
    flow.status === (opens ? "processed" : "failed") && (opens || flow.failedJobId === failed?.id),
    `${what}: the flow is ${flow.status}${opens ? "" : ` and names the job: ${flow.failure?.code}`}`,
  );
}

/** One flow from its enqueue to its end, and after what was wrong is mended, to its end again. */
class Case {
  readonly #manager: JobManager;
  readonly #transporter: Transporter;
  readonly #folder: string;
  readonly #ground: Sizes;

  constructor(manager: JobManager, transporter: Transporter, folder: string, ground: Sizes) {
    this.#manager = manager;
    this.#transporter = transporter;
    this.#folder = folder;
    this.#ground = ground;
  }

  async run(policy: StagePolicy, how: Failing): Promise<void> {
    const { check, numbers } = this.#ground;
    const what = `${policy}, one ${how}`;
    const files = join(this.#folder, `${policy} ${how}`);
    const [ledger, mended] = [`${files}.ledger`, `${files}.mended`];
    const ms = policy === "fail-fast" ? Math.ceil((slots * busyMs) / numbers.siblings) : 0;
    const shape = { siblings: numbers.siblings, policy, ledger, ms, how, mended };
    const { id } = await this.#manager.enqueue(deepFlow(shape));
    const ended = await this.#ended(id);
    checkOutcome(policy, ended, what, this.#ground);
    await this.#checkReport(policy, ended, what);
    writeFileSync(mended, "");
    await this.#manager.retryFlow(id);
    const again = await this.#ended(id);
    const done = count(again.jobs, "processed");
    const wanted = again.jobs.length - of(again.jobs, "report").filter(({ status }) => status !== "processed").length;
    check(
      again.flow.status === "processed" && done === wanted,
      `${what}: after the retry it is ${again.flow.status}, ${done} of ${wanted} jobs processed`,
    );
    if (how !== "throws") return;
    const runs = readFileSync(ledger, "utf8").split("\n").length - 1;
    check(
      runs === numbers.siblings + 1,
      `${what}: ${runs} runs of ${numbers.siblings} siblings: what was processed stayed`,
    );
  }

  /** Its end, and that of all its jobs: with all-settled a retried member runs in a flow that has ended. */
  async #ended(flowId: string): Promise<Ended> {
    await this.#manager.flowFinished(flowId, { timeout: endMsMax });
    let jobs: Job[] = [];
    await until(async () => {
      jobs = await allJobs(this.#transporter, { flowId });
      return jobs.every((job) => job.finishedAt !== undefined || job.name === report.name);
    }, endMsMax);
    const flow = await this.#manager.flow(flowId);
    return { flow: flow!, jobs };
  }

  /** In the act that ended the flow: it has been ready since the very instant. */
  async #checkReport(policy: StagePolicy, { flow, jobs }: Ended, what: string): Promise<void> {
    const { check } = this.#ground;
    if (policy === "all-settled") {
      const ran = of(jobs, report.name).filter(({ startedAt }) => startedAt !== undefined).length;
      check(ran === 0, `${what}: onFailed did not run`);
      return;
    }
    const told = await this.#manager.result(report, flow.onFailedJobId ?? "", { timeout: endMsMax });
    const isTold = told?.status === "failed" && told.jobId === bad(jobs)?.id;
    const readyAt = of(jobs, report.name)[0]?.readyAt ?? 0;
    check(
      isTold && readyAt === flow.finishedAt,
      `${what}: onFailed, ready ${readyAt - (flow.finishedAt ?? 0)} ms after the end, told of ${told?.failure.code} by the job that failed`,
    );
  }
}

async function proveOn(store: ProofStore, ground: Sizes): Promise<void> {
  const transporter = storeAt(store.address);
  const manager = new JobManager({ transporter });
  await transporter.start();
  const workers = new Workers(store.address);
  try {
    const one = new Case(manager, transporter, store.folder, ground);
    for (const policy of ["all-processed", "fail-fast", "all-settled"] as const) {
      for (const how of ["throws", "dies with its worker"] as const) await one.run(policy, how);
    }
    ground.check(workers.killed === 3, `${workers.killed} workers were killed with the last attempt of a job in hand`);
    await new Waits(store, transporter, manager, ground).prove();
  } finally {
    await workers.end();
    await manager.stop();
    await transporter.stop();
  }
}

await prove(
  {
    name: "flows",
    about:
      "A deep, wide flow ends as its policy says, whatever ends one of its jobs, and completes after a retry (L6); wakes are neither early nor lost (L7).",
    numbers: {
      siblings: { value: 1_000, about: "of one stage, each with a child" },
      waits: { value: 10_000, about: "jobs released with a wake key" },
    },
    minutesMax: 30,
  },
  async (ground) => onThrowawayStore(ground.kind, (store) => proveOn(store, ground)),
);
