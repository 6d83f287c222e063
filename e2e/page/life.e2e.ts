import type { Instance, Listed, TaskView } from "@provost/contract";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../harness/wait.ts";
import { House } from "./house.ts";
import { quiet } from "./quiet.ts";
import type { Visitor } from "./visitor.ts";

let house: House;
beforeAll(async () => {
  house = await House.open();
  await house.account();
  for (const name of ["web-1", "web-2", "web-3"]) {
    await house.provost.post("/v1/instances", { name, provider: "linode", tags: ["web"] });
  }
  await waitFor("three instances", async () => (await provisioned()).length === 3);
});
afterAll(() => house.close());
afterEach(() => quiet(house));

async function provisioned(): Promise<Instance[]> {
  const { items } = await house.provost.get<Listed<Instance>>("/v1/instances");
  return items.filter(({ status }) => status === "provisioned");
}

async function tasksOf(name: string): Promise<string[]> {
  const { items } = await house.provost.get<Listed<TaskView>>(`/v1/instances/${name}/tasks`);
  return items.map(({ kind, status }) => `${kind} ${status}`);
}

async function at(name: string): Promise<Visitor> {
  const visitor = await house.admin();
  await visitor.link(name).click();
  await visitor.sees(visitor.heading(name));
  return visitor;
}

describe("what is done with an instance (C9)", () => {
  it("a reboot is asked for, seen under way, and over", async () => {
    const visitor = await at("web-1");
    await visitor.button("Reboot").click();
    await visitor.page.getByRole("dialog").getByRole("button", { name: "Reboot", exact: true }).click();
    await visitor.link("Operations").click();
    await visitor.sees(visitor.page.getByText("reboot").first());
    await waitFor("the reboot's end", async () => (await tasksOf("web-1")).includes("reboot done"));
    await visitor.sees(visitor.page.getByText("done").first());
    // The header's buttons can be pressed again.
    await visitor.page.getByRole("button", { name: "Reboot", exact: true, disabled: false }).waitFor();
  });

  it("a resize shows both plans side by side, and then the new one", async () => {
    const visitor = await at("web-2");
    await visitor.button("Resize").click();
    const dialog = visitor.page.getByRole("dialog");
    const radio = dialog.getByRole("radio", { name: /g6-standard-1\b/ });
    await radio.check();
    await visitor.sees(dialog.getByRole("heading", { name: "Now" }));
    await visitor.sees(dialog.getByText(/\(\+\$/));
    await dialog.getByRole("button", { name: /^Resize to / }).click();
    await visitor.sees(visitor.page.locator("dl").getByText("g6-standard-1"));
    expect((await house.provost.instance("web-2")).type).toBe("g6-standard-1");
  });

  it("destroy wants the name typed, and the instance is gone at the provider", async () => {
    const visitor = await at("web-3");
    await visitor.choose("Actions", "Destroy");
    const dialog = visitor.page.getByRole("dialog");
    const destroy = dialog.getByRole("button", { name: "Destroy", exact: true });
    expect(await destroy.isDisabled()).toBe(true);
    await dialog.getByRole("textbox").fill("web-2");
    expect(await destroy.isDisabled()).toBe(true);
    await dialog.getByRole("textbox").fill("web-3");
    await destroy.click();
    await visitor.sees(visitor.page.locator("header").getByText("destroyed", { exact: true }));
    expect([...(await house.cloud.servers()).values()].toSorted()).toHaveLength(2);
  });

  it("many at once: chosen in the list, counted before it is done, followed as a fleet", async () => {
    const visitor = await house.admin();
    await visitor.open("instances?q=tag%3Aweb");
    await visitor.page.getByRole("checkbox", { name: "Choose web-1" }).check();
    await visitor.page.getByRole("checkbox", { name: "Choose web-2" }).check();
    await visitor.sees("2 instances chosen");
    await visitor.page.getByRole("toolbar").getByRole("button", { name: "Shut down" }).click();
    const dialog = visitor.page.getByRole("dialog");
    await visitor.sees(dialog.getByRole("heading", { name: /2 instances/ }));
    await dialog.getByRole("button", { name: /^Shut down 2/ }).click();
    await visitor.page.waitForURL(/\/fleets\//);
    await visitor.open("instances");
    await visitor.sees(visitor.page.getByRole("row", { name: /web-1/ }).getByText("stopped"));
    await visitor.sees(visitor.page.getByRole("row", { name: /web-2/ }).getByText("stopped"));
  });
});
