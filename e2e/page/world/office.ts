import { setTimeout as pause } from "node:timers/promises";
import { defineJob, defineSchedule, flow, JobManager, typed, type Job, type Transporter } from "@provost/jobs";
import { waitFor } from "../../harness/wait.ts";

const mail = defineJob("mail.send", {
  queue: "mail",
  input: typed<{ to: string; apiToken: string }>(),
  attempts: 3,
  backoff: "30s",
  async run({ input: { to }, attempt, progress }) {
    await pause(40);
    if (to.startsWith("bounce")) throw new RangeError(`550 ${to}: mailbox unavailable (attempt ${attempt})`);
    progress(1);
    return { accepted: to };
  },
});

const invoice = defineJob("invoice.render", {
  queue: "reports",
  attempts: 2,
  backoff: "100ms",
  input: typed<{ customer: number }>(),
  async run({ input, log }) {
    log(`rendering the invoice of customer ${input.customer}`);
    await pause(120);
    if (input.customer % 9 === 0) throw new TypeError(`customer ${input.customer} has no address`);
    return { pages: 2 + (input.customer % 3) };
  },
});

const collect = defineJob("report.collect", {
  queue: "reports",
  input: typed<string>(),
  run: async ({ input }) => (await pause(150), input),
});
const join = defineJob("report.join", {
  queue: "reports",
  run: async ({ resultsOf }) => (await pause(80), (await resultsOf(collect)).length),
});
const publish = defineJob("report.publish", { queue: "reports", run: async () => (await pause(60), "published") });

/** Nobody here runs it: it waits, and says why. */
const transcode = defineJob("video.transcode", { queue: "video", input: typed<string>(), run: () => "done" });

const nightly = defineSchedule("nightly-report", {
  cron: "0 3 * * *",
  timeZone: "Europe/Berlin",
  run: () => undefined,
});
const beat = defineSchedule("heartbeat", { every: "15s", first: 0, run: ({ cursor }) => cursor + 1 });

/** A team that uses the job manager for work of its own, on the same store. */
export class Office {
  readonly #manager: JobManager;
  readonly #clerk: JobManager;
  /** Of a report that is done: the flow and its last job. */
  flow = "";
  published = "";
  /** A job that failed. */
  failed = "";
  /** One that nobody runs. */
  waiting = "";

  constructor(transporter: Transporter) {
    this.#manager = new JobManager({ transporter, jobs: [mail, invoice, collect, join, publish, nightly, beat] });
    // Enqueues only: it knows jobs that no process runs.
    this.#clerk = new JobManager({ transporter, jobs: [transcode] });
  }

  async open(): Promise<void> {
    await this.#manager.start();
  }

  async work(): Promise<void> {
    const names = ["ada", "grace", "edsger", "barbara", "bounce-1", "alan", "bounce-2"];
    await this.#manager.enqueueMany(
      Array.from({ length: 42 }, (_, n) =>
        mail.with(
          { to: `${names[n % names.length]}@example.org`, apiToken: "s3cret" },
          { priority: 100 + (n % 3) * 20 },
        ),
      ),
    );
    await this.#manager.enqueueMany(Array.from({ length: 30 }, (_, n) => invoice.with({ customer: 4_100 + n })));
    await this.#manager.enqueueMany(
      Array.from({ length: 6 }, (_, n) =>
        mail.with({ to: `later-${n}@example.org`, apiToken: "s3cret" }, { after: "2h" }),
      ),
    );
    const parts = ["sales", "support", "costs"].map((part) => collect.with(part));
    const report = await this.#manager.enqueue(flow(parts).then(join).then(publish));
    this.flow = report.id;
    this.published = report.jobIds.at(-1) ?? "";
    const [first] = await this.#clerk.enqueueMany(
      Array.from({ length: 8 }, (_, n) => transcode.with(`talk-${n + 1}.mov`)),
    );
    this.waiting = first?.id ?? "";
    await waitFor("the report", async () =>
      (await this.#manager.list({ flowId: this.flow, limit: 20 })).every(({ status }) => status === "processed"),
    );
    await waitFor("invoices", async () => (await this.#failed()).length === 3);
    this.failed = (await this.#failed())[0]?.id ?? "";
  }

  #failed(): Promise<Job[]> {
    return this.#manager.list({ status: "failed", name: "invoice.render", limit: 10 });
  }

  async close(): Promise<void> {
    await this.#manager.stop();
    await this.#clerk.stop();
  }
}
