import { join } from "node:path";
import type { Transporter } from "@provost/jobs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { storeAt } from "../jobs/store-at.ts";
import { House } from "./house.ts";
import { quiet } from "./quiet.ts";
import { Office } from "./world/office.ts";

let house: House;
let store: Transporter;
let office: Office;
beforeAll(async () => {
  house = await House.open();
  store = storeAt(join(house.provost.data, "provost.db"));
  await store.start();
  office = new Office(store);
  await office.open();
  await office.work();
});
afterAll(async () => {
  await office.close();
  await store.stop();
  await house.close();
});
afterEach(() => quiet(house));

describe("jobs", () => {
  it("a flow as a tree and as a waterfall: every job of it, below its stage (L6)", async () => {
    const visitor = await house.admin();
    await visitor.open(`jobs/${office.published}`);
    await visitor.link("Flow").click();
    const items = visitor.page.getByRole("treeitem");
    await visitor.sees(visitor.page.getByRole("treeitem", { name: /report\.publish/ }));
    for (const [name, count] of [
      ["report.collect", 3],
      ["report.join", 1],
      ["report.publish", 1],
    ] as const) {
      expect(await visitor.page.getByRole("treeitem", { name: new RegExp(`^${name} .*processed`) }).count()).toBe(
        count,
      );
    }
    const levels = await items.evaluateAll((all) => all.map((item) => Number(item.getAttribute("aria-level"))));
    expect(Math.max(...levels)).toBeGreaterThan(1);
    const before = await items.count();
    await visitor.link("Tree").click();
    await visitor.sees(visitor.page.getByRole("treeitem", { name: /report\.publish/ }));
    expect(await items.count()).toBe(before);
  });

  it("a job that no process runs says so, and what to do (L15)", async () => {
    const visitor = await house.admin();
    await visitor.open("jobs?q=name%3Avideo.transcode");
    await visitor.page
      .getByRole("row", { name: /video\.transcode/ })
      .last()
      .getByRole("link")
      .first()
      .click();
    const why = visitor.page.getByRole("region", { name: "Why is it not running?" });
    await visitor.sees(why);
    const { kind, sentence } = await house.provost.get<{ kind: string; sentence: string }>(
      `/v1/jobs/${office.waiting}/why`,
    );
    expect(kind).toBe("no-worker");
    await visitor.sees(why.getByText(sentence.split("video")[0] ?? sentence));
    await visitor.sees(why.getByRole("link", { name: "processes" }));
  });

  it("a queue that is paused says so in the list, its jobs say why they wait, and it goes on again", async () => {
    const visitor = await house.admin();
    await visitor.open("jobs/queues");
    await visitor.page.getByRole("row", { name: /video/ }).getByRole("link", { name: "video" }).click();
    await visitor.button("Pause").click();
    await visitor.sees(visitor.button("Resume"));
    expect(await paused("video")).toBe(true);
    await visitor.link("Queues").last().click();
    await visitor.sees(visitor.page.getByRole("row", { name: /video/ }).getByText(/paused/i));
    await visitor.open(`jobs/${office.waiting}`);
    await visitor.sees(visitor.page.getByRole("region", { name: "Why is it not running?" }).getByText(/paused/));
    await visitor.open("jobs/queues/video");
    await visitor.button("Resume").click();
    await visitor.sees(visitor.button("Pause"));
    expect(await paused("video")).toBe(false);
  });

  it("a failed job's story: its attempts, its error, its input with the secret masked; retried by a click", async () => {
    const visitor = await house.admin();
    await visitor.open(`jobs/${office.failed}`);
    await visitor.sees(visitor.page.getByRole("region", { name: "Why it is failed" }).getByText(/has no address/));
    const tabs = visitor.page.getByRole("navigation", { name: "Of this job" });
    await tabs.getByRole("link", { name: "Logs" }).click();
    await visitor.sees(/rendering the invoice of customer/);
    await tabs.getByRole("link", { name: "Story" }).click();
    const retry = visitor.page
      .getByRole("main")
      .getByRole("button", { name: /^Retry/ })
      .first();
    await retry.click();
    await visitor.page
      .getByRole("dialog")
      .getByRole("button", { name: /^Retry/ })
      .click();
    await expect.poll(async () => (await attempts(office.failed)) > 2, { timeout: 20_000 }).toBe(true);

    const mails = await house.provost.get<{ items: { id: string }[] }>("/v1/jobs?name=mail.send&limit=1");
    await visitor.open(`jobs/${mails.items[0]?.id ?? ""}?tab=data`);
    const input = visitor.page.getByLabel("Input", { exact: true });
    await visitor.sees(input);
    expect(await input.innerText()).not.toContain("s3cret");
    expect(await input.innerText()).toContain("secret");
  });

  it("a waiting job is moved to another priority, and its step is drawn (L1)", async () => {
    const visitor = await house.admin();
    await visitor.open(`jobs/${office.waiting}`);
    await visitor.choose("Actions", "Move");
    const dialog = visitor.page.getByRole("dialog");
    await dialog.getByLabel("Priority").fill("201");
    await dialog.getByRole("button", { name: "Move", exact: true }).click();
    await expect.poll(() => priority(office.waiting)).toBe(201);
    await visitor.sees(visitor.page.getByText("201").first());
  });

  it("the overview's figures are those of the API at that moment, and a list leads on from each", async () => {
    const visitor = await house.admin();
    await visitor.open("jobs/overview");
    await visitor.sees(visitor.page.getByRole("table", { name: "Workload by queue" }));
    const { queues, failing } = await house.provost.get<{ queues: { queue: string }[]; failing: { name: string }[] }>(
      "/v1/jobs/overview",
    );
    for (const { queue } of queues) await visitor.sees(visitor.page.getByRole("row", { name: new RegExp(queue) }));
    expect(failing.map(({ name }) => name)).toContain("invoice.render");
    await visitor.sees(visitor.page.getByRole("table", { name: "Names that fail most" }).getByText("invoice.render"));
  });
});

async function paused(queue: string): Promise<boolean> {
  return (await house.provost.get<{ paused: boolean }>(`/v1/queues/${queue}`)).paused;
}

async function priority(id: string): Promise<number> {
  return (await house.provost.get<{ priority: number }>(`/v1/jobs/${id}`)).priority;
}

async function attempts(id: string): Promise<number> {
  return (await house.provost.get<{ attemptList: unknown[] }>(`/v1/jobs/${id}`)).attemptList.length;
}
