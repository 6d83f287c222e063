import { afterEach, describe, expect, test } from "vitest";
import { defineJob, flow, typed } from "../../src/index.ts";
import { testManager, type TestManager, type TestManagerOptions } from "../../src/testing/manager.ts";

const opened: TestManager[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

async function open(...jobs: TestManagerOptions["jobs"][number][]): Promise<TestManager> {
  const manager = await testManager({ jobs });
  opened.push(manager);
  return manager;
}

describe("testing helpers", () => {
  test("nothing runs until drained; then all that is ready does, in order, and what it makes ready", async () => {
    const ran: string[] = [];
    const step = defineJob("step", { input: typed<string>(), run: ({ input }) => void ran.push(input) });
    const jobs = await open(step);
    await jobs.manager.enqueue(step, "low", { priority: 1 });
    await jobs.manager.enqueue(step, "high", { priority: 200 });
    const { jobIds } = await jobs.manager.enqueue(flow(step, "first").then(step.with("second")));
    await jobs.assertEnqueued(step, { count: 4 });
    await jobs.assertEnqueued(step, { input: "second" });
    expect(ran).toEqual([]);
    const drained = await jobs.drain();
    expect(ran).toEqual(["high", "first", "second", "low"]);
    expect(drained.map(({ jobId, outcome }) => [jobId, outcome]).slice(1, 3)).toEqual(
      jobIds.map((id) => [id, "processed"]),
    );
    await jobs.assertEnqueued(step, { count: 0 });
    expect(await jobs.drain()).toEqual([]);
  });

  test("time passes when told: backoffs and delays end, and nothing before", async () => {
    let tries = 0;
    const flaky = defineJob("flaky", {
      backoff: () => 60_000,
      run() {
        tries += 1;
        if (tries === 1) throw new RangeError("not yet");
        return tries;
      },
    });
    const jobs = await open(flaky);
    const { id } = await jobs.manager.enqueue(flaky, undefined, { after: "1d" });
    expect(await jobs.drain()).toEqual([]);
    await jobs.advance("1d");
    expect(await jobs.drain()).toMatchObject([{ outcome: "retry", failure: { message: "not yet" } }]);
    expect(await jobs.drain()).toEqual([]);
    await jobs.advance("1m");
    expect(await jobs.drain()).toMatchObject([{ jobId: id, outcome: "processed" }]);
    expect(await jobs.manager.result(flaky, id)).toBe(2);
  });

  test("one job is run for its result, or tells why it has none", async () => {
    const double = defineJob("double", { input: typed<number>(), run: ({ input }) => input * 2 });
    const later = defineJob("later", { run: ({ release }) => release({ after: "1h" }) });
    const jobs = await open(double, later);
    const four: number = await jobs.run(double, 2);
    expect(four).toBe(4);
    await expect(jobs.run(later)).rejects.toMatchObject({
      code: "job_not_processed",
      message: expect.stringMatching(/is due in .* \(attempt 2 of 30\)/),
    });
  });

  test("an assertion that fails shows what is there", async () => {
    const mail = defineJob("mail", { input: typed<{ to: string }>(), run() {} });
    const jobs = await open(mail);
    await expect(jobs.assertEnqueued(mail)).rejects.toMatchObject({ code: "ERR_ASSERTION" });
    await jobs.manager.enqueue(mail, { to: "ada" });
    await expect(jobs.assertEnqueued(mail, { input: { to: "bob" } })).rejects.toThrow('{"to":"ada"}');
    await expect(jobs.assertEnqueued(mail, { count: 2 })).rejects.toThrow("1 enqueued that fit, expected 2");
  });

  test("jobs that others run do not keep it, what never ends is given up on", async () => {
    const mine = defineJob("mine", { run() {} });
    const others = defineJob("others", { run() {} });
    const endless = defineJob("endless", { attempts: 1_000, run: ({ defer }) => defer({ after: 0 }) });
    const jobs = await open(mine, endless);
    await jobs.manager.enqueue(others);
    await jobs.manager.enqueue(mine);
    expect(await jobs.drain()).toHaveLength(1);
    await jobs.manager.enqueue(endless);
    await expect(jobs.drain({ timeout: 100 })).rejects.toMatchObject({ code: "wait_timed_out" });
  });
});
