import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { House } from "./house.ts";
import { deploy } from "./deeds.ts";
import { quiet } from "./quiet.ts";

const logLine = "E: Unable to locate package incus";

let house: House;
beforeAll(async () => {
  house = await House.open(undefined, { PROVOST_PROVISION_TIMEOUT: "3s", PROVOST_WATCHDOG_EVERY: "1s" });
  await house.account();
});
afterAll(() => house.close());
afterEach(() => quiet(house));

describe("a deploy that fails tells its story (C7, C8)", () => {
  it("a script that fails: the step, its exit code, the log's last lines, what to do, what still costs", async () => {
    const visitor = await house.admin();
    await visitor.open("instances/deploy");
    await deploy(visitor, "web-bad", { script: `#!/bin/sh\n# sandbox: fail exit=100 log=${logLine}\n` });
    const story = visitor.page.getByRole("region", { name: "What happened" });
    await visitor.sees(story);
    const { failure } = await house.provost.instance("web-bad");
    await visitor.sees(story.getByText(failure?.whatToDo ?? "nothing"));
    const told = await story.innerText();
    expect(told).toContain("script_failed");
    expect(told).toContain("exit code 100");
    expect(told).toContain("so far");
    await visitor.sees(visitor.page.getByRole("log").getByText(logLine));
    const steps = visitor.page.getByRole("region", { name: "Steps" });
    expect(await steps.getByLabel("failed").count()).toBe(1);

    // It has left the list, and stands among the failed.
    await visitor.link("Instances").first().click();
    await visitor.sees("No instances yet");
    await visitor.page
      .getByRole("navigation", { name: /view|which/i })
      .getByRole("link", { name: /Failed/ })
      .click();
    await visitor.sees(visitor.page.getByRole("row", { name: /web-bad/ }).getByText("failed"));

    // The server still stands: destroyed by hand, with its name typed.
    await visitor.link("web-bad").click();
    await visitor.button("Destroy it").click();
    const dialog = visitor.page.getByRole("dialog");
    await dialog.getByRole("textbox").fill("web-bad");
    await dialog.getByRole("button", { name: "Destroy", exact: true }).click();
    await visitor.sees(visitor.page.locator("header").getByText("destroyed", { exact: true }));
    expect((await house.cloud.figures()).instances).toBe(0);
  });

  it("a boot that never ends: failed when its time is over, with what the provider said", async () => {
    const visitor = await house.admin();
    await house.cloud.setFault({ kind: "stuck", action: "linode_boot", label_prefix: "web-stuck" });
    await visitor.open("instances/deploy");
    await deploy(visitor, "web-stuck", {});
    const story = visitor.page.getByRole("region", { name: "What happened" });
    await visitor.sees(story.getByText("boot_stuck"));
    const { failure } = await house.provost.instance("web-stuck");
    expect(await story.innerText()).toContain(failure?.whatToDo);
  });
});
