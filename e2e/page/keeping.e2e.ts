import type { ImageView, Listed, Orphan, ProcessView, TaskView } from "@provost/contract";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Receiver } from "../harness/receiver.ts";
import { waitFor } from "../harness/wait.ts";
import { House } from "./house.ts";
import { quiet } from "./quiet.ts";
import type { Visitor } from "./visitor.ts";

let house: House;
const receiver = new Receiver();
let url: string;
beforeAll(async () => {
  url = await receiver.start();
  house = await House.open(undefined, { PROVOST_WEBHOOK_ALLOW: "127.0.0.1" });
  await house.account();
  await house.provost.post("/v1/instances", { name: "web-1", provider: "linode" });
  await waitFor("web-1", async () => (await house.provost.instance("web-1")).status === "provisioned");
});
afterAll(async () => {
  await house.close();
  await receiver.stop();
});
afterEach(() => quiet(house));

const dialogOf = (visitor: Visitor) => visitor.page.getByRole("dialog");

/** Confirms the dialog that is open; `typed` where it wants a name typed. */
async function confirm(visitor: Visitor, action: string, typed?: string): Promise<void> {
  const dialog = dialogOf(visitor);
  if (typed !== undefined) await dialog.getByLabel(/^Type /).fill(typed);
  await dialog.getByRole("button", { name: action, exact: true }).click();
}

async function taskDone(kind: TaskView["kind"]): Promise<void> {
  await waitFor(`the ${kind}'s end`, async () => {
    const { items } = await house.provost.get<Listed<TaskView>>("/v1/instances/web-1/tasks");
    return items.some((task) => task.kind === kind && task.status === "done");
  });
}

/** How the API answers to whoever has this token. */
async function answerTo(token: string): Promise<number> {
  const answer = await fetch(`${house.provost.url()}/v1/instances`, { headers: { authorization: `Bearer ${token}` } });
  return answer.status;
}

describe("what keeps a deployment going", () => {
  it("a snapshot is taken, and restored with the name typed (C9)", async () => {
    const visitor = await house.admin();
    await visitor.link("web-1").click();
    await visitor.choose("Actions", "Snapshot");
    await dialogOf(visitor).getByLabel("Label").fill("before-upgrade");
    await confirm(visitor, "Take it");
    await taskDone("snapshot");
    await visitor.page.getByRole("button", { name: "Reboot", exact: true, disabled: false }).waitFor();
    await visitor.choose("Actions", "Restore");
    await dialogOf(visitor)
      .getByRole("radio", { name: /before-upgrade/ })
      .check();
    await confirm(visitor, "Restore", "web-1");
    await taskDone("restore");
    await visitor.page.getByRole("button", { name: "Reboot", exact: true, disabled: false }).waitFor();
  });

  it("an image is baked, and its builder is gone (C2)", async () => {
    const visitor = await house.admin();
    await visitor.open("images");
    await visitor.button("Bake an image").first().click();
    await dialogOf(visitor).getByLabel("Name").fill("golden-1");
    await confirm(visitor, "Bake");
    const row = visitor.page.getByRole("row", { name: /golden-1/ });
    await visitor.sees(row.getByText("available"));
    const { items } = await house.provost.get<Listed<ImageView>>("/v1/images");
    expect(items).toMatchObject([{ name: "golden-1", status: "available" }]);
    await visitor.open("instances");
    await visitor.sees(visitor.link("web-1"));
    expect(await visitor.page.getByText("builder", { exact: true }).count()).toBe(0);
  });

  it("a token is made and shown once, lets in as its role says, and no more once it is revoked (C15)", async () => {
    const visitor = await house.admin();
    await visitor.open("tokens");
    await visitor.button("Make a token").first().click();
    await dialogOf(visitor).getByLabel("Name").fill("ci-1");
    await confirm(visitor, "Make it");
    const token = await dialogOf(visitor).locator("code").innerText();
    await confirm(visitor, "I have kept it");
    expect(await answerTo(token)).toBe(200);
    expect(await visitor.page.getByText(token).count()).toBe(0);
    await visitor.button("Revoke ci-1").click();
    await confirm(visitor, "Revoke");
    await visitor.sees(visitor.page.getByRole("row", { name: /ci-1/ }).getByText("revoked"));
    expect(await answerTo(token)).toBe(401);
  });

  it("a webhook is added with its secret shown, a test of it is delivered, and it is removed (C7)", async () => {
    const visitor = await house.admin();
    await visitor.open("webhooks");
    await visitor.button("Add a webhook").first().click();
    await dialogOf(visitor).getByLabel("Name").fill("pager");
    await dialogOf(visitor).getByLabel("Address").fill(url);
    await confirm(visitor, "Add");
    expect(await dialogOf(visitor).locator("code").innerText()).toMatch(/^whsec_/);
    await confirm(visitor, "I have kept it");
    await visitor.link("pager").click();
    await visitor.button("Send a test").click();
    await waitFor("the test", async () => receiver.told.length > 0);
    await visitor.sees(visitor.page.getByText("delivered").first());
    await visitor.button("Remove").click();
    await confirm(visitor, "Remove", "pager");
    await visitor.sees(visitor.heading("Webhooks"));
    await visitor.sees("Nobody is told yet");
  });

  it("of two orphans one is adopted, and the other destroyed with its name typed (C13)", async () => {
    const { deployment } = await house.provost.get<{ deployment: string }>("/v1/health");
    const tags = [`provost:${deployment}`, "provost-instance:in_forgotten"];
    await house.cloud.populate({ count: 2, label_prefix: "forgotten-", tags });
    const visitor = await house.admin();
    await visitor.open("orphans");
    const rows = visitor.page.getByRole("row", { name: /forgotten-/ });
    await waitFor("two orphans", async () => (await rows.count()) === 2);
    const [kept = "", gone = ""] = (await orphans()).map(({ name }) => name);
    const row = (name: string) => visitor.page.getByRole("row", { name: new RegExp(name) });
    await row(kept).getByRole("button", { name: "Adopt" }).click();
    await dialogOf(visitor).getByLabel("What to call it here").fill("found-1");
    await confirm(visitor, "Adopt");
    await visitor.sees(visitor.heading("found-1"));
    await visitor.open("orphans");
    await row(gone).getByRole("button", { name: "Destroy" }).click();
    await confirm(visitor, "Destroy", gone);
    await waitFor("no orphans", async () => (await orphans()).length === 0);
    // Nothing moves under the pointer: the row goes when that leaves.
    await visitor.page.mouse.move(1, 1);
    await visitor.sees("No orphans");
  });

  it("a process is quieted, says so, and takes jobs again (L15)", async () => {
    const visitor = await house.admin();
    await visitor.open("jobs/processes");
    await visitor.page.getByRole("row").nth(1).getByRole("link").first().click();
    for (const [action, state, next] of [
      ["Quiet", "quiet", "Resume"],
      ["Resume", "running", "Quiet"],
    ] as const) {
      await visitor.button(action).click();
      await confirm(visitor, action);
      await waitFor(`it to be ${state}`, async () => {
        const { items } = await house.provost.get<Listed<ProcessView>>("/v1/processes");
        return items.some((each) => each.state === state);
      });
      await visitor.sees(visitor.button(next));
    }
  });
});

async function orphans(): Promise<Orphan[]> {
  return (await house.provost.get<Listed<Orphan>>("/v1/orphans")).items;
}
