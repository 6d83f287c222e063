import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { House } from "./house.ts";
import { addAccount, deploy } from "./deeds.ts";
import { quiet } from "./quiet.ts";

let house: House;
beforeAll(async () => {
  house = await House.open();
});
afterAll(() => house.close());
afterEach(() => quiet(house));

describe("a deploy by clicks alone (C2, C5)", () => {
  it("from an empty install to provisioned: sign in, add a provider, deploy, watch", async () => {
    const visitor = await house.admin();
    await visitor.sees("No instances yet");
    await visitor.link("Deploy").first().click();
    await visitor.sees("No provider is set up");
    await visitor.link("Set one up").click();
    await addAccount(visitor, house.cloud);

    await visitor.link("Instances").click();
    await visitor.link("Deploy").first().click();
    await deploy(visitor, "web-1", { script: "#!/bin/sh\necho hello\n" });
    await visitor.sees(visitor.heading("web-1"));
    const steps = visitor.page.getByRole("region", { name: "Steps" });
    await visitor.sees(steps.getByRole("button", { name: /Ready/ }).filter({ has: visitor.page.getByLabel("done") }));
    await visitor.sees(visitor.page.getByRole("banner").or(visitor.page.locator("header")).getByText("provisioned"));
    expect(await steps.getByLabel("done").count()).toBe(6);

    const instance = await house.provost.instance("web-1");
    expect(instance).toMatchObject({ name: "web-1", status: "provisioned", provider: "linode" });
    expect((await house.cloud.figures()).creates_accepted).toBe(1);
    await visitor.sees(instance.ipv4[0] ?? "no address");

    await visitor.link("Instances").first().click();
    const row = visitor.page.getByRole("row", { name: /web-1/ });
    await visitor.sees(row.getByText("provisioned"));
  });

  it("what cannot be sent is said at its field, and nothing is made", async () => {
    const visitor = await house.admin();
    const before = (await house.cloud.figures()).creates_accepted;
    await visitor.open("instances/deploy");
    await deploy(visitor, "X", {});
    const field = visitor.page.getByLabel("Name", { exact: true });
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    await visitor.sees(/3–40 characters/);
    await deploy(visitor, "web-1", {});
    // The server's own refusal: the name is taken.
    await visitor.sees(visitor.page.getByRole("alert").filter({ hasText: "web-1" }));
    expect((await house.cloud.figures()).creates_accepted).toBe(before);
  });

  it("a provider whose answer to the create is lost: the server is found again, and made once (C4)", async () => {
    const visitor = await house.admin();
    const before = (await house.cloud.figures()).creates_accepted;
    await house.cloud.setFault({ kind: "lost_answer", method: "POST", path: "/v4/linode/instances" });
    await visitor.open("instances/deploy");
    await deploy(visitor, "web-again", {});
    await visitor.sees(visitor.page.locator("header").getByText("provisioned", { exact: true }));
    const figures = await house.cloud.figures();
    expect(figures.faults_applied).toBeGreaterThan(0);
    expect(figures.creates_accepted).toBe(before + 1);
  });

  it("the same order as a command and as cURL", async () => {
    const visitor = await house.admin();
    await visitor.open("instances/deploy");
    await visitor.page.getByLabel("Name", { exact: true }).fill("web-2");
    await visitor.sees(visitor.page.getByRole("radio").first());
    await visitor.button("Show as CLI or cURL").click();
    const dialog = visitor.page.getByRole("dialog");
    await visitor.sees(dialog.getByText(/provost deploy web-2 /));
    await visitor.sees(dialog.getByText(/curl .*\/v1\/instances/s));
  });
});
