import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../harness/wait.ts";
import { House } from "./house.ts";
import { quiet } from "./quiet.ts";
import { Relay } from "./relay.ts";
import type { Visitor } from "./visitor.ts";

let house: House;
let relay: Relay;
beforeAll(async () => {
  house = await House.open();
  await house.account();
  relay = new Relay(() => house.provost.url());
  await relay.open();
  await made("web-1");
});
afterAll(async () => {
  await relay.cut();
  await house.close();
});
afterEach(() => quiet(house));

/** Asks for an instance, and waits until it stands. */
async function made(name: string): Promise<void> {
  await house.provost.post("/v1/instances", { name, provider: "linode" });
  await waitFor(`${name} to stand`, async () => (await house.provost.instance(name)).status === "provisioned");
}

async function watching(visitor: Visitor): Promise<Visitor> {
  await visitor.signIn(house.provost.adminToken());
  await visitor.sees(visitor.link("web-1"));
  await phase(visitor, "Live");
  return visitor;
}

async function phase(visitor: Visitor, word: string): Promise<void> {
  await visitor.sees(visitor.page.getByRole("status").getByText(word, { exact: true }));
}

describe("what the page says when it is cut off, and what it catches up with", () => {
  it("a change shows by itself, without a reload", async () => {
    const visitor = await watching(await house.stranger());
    await made("web-2");
    await visitor.sees(visitor.page.getByRole("row", { name: /web-2/ }).getByText("provisioned"));
  });

  it("the server is killed and comes back: the page says so, keeps what it has, and goes on", async () => {
    const visitor = await watching(await house.stranger());
    visitor.allows(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
    // A server that is coming up says so.
    visitor.allows(/status of 503/);
    house.provost.kill();
    await house.provost.killed();
    await phase(visitor, "Reconnecting");
    await visitor.sees(visitor.link("web-1"));
    await house.provost.serve();
    await made("web-3");
    await phase(visitor, "Live");
    await visitor.sees(visitor.page.getByRole("row", { name: /web-3/ }).getByText("provisioned"));
  });

  it("the stream is cut while things change: nothing of it is missing afterwards", async () => {
    const visitor = await watching(await house.stranger({ baseURL: `${relay.url}/` }));
    visitor.allows(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
    await relay.cut();
    await phase(visitor, "Reconnecting");
    await made("web-4");
    await house.provost.post("/v1/instances/web-1/shutdown", {});
    await waitFor("web-1 to stop", async () => (await house.provost.instance("web-1")).status === "stopped");
    await relay.open();
    await phase(visitor, "Live");
    await visitor.sees(visitor.page.getByRole("row", { name: /web-4/ }).getByText("provisioned"));
    await visitor.sees(visitor.page.getByRole("row", { name: /web-1/ }).getByText("stopped"));
  });

  it("a laptop that slept: a wire that went dumb is noticed by its silence", async () => {
    const visitor = await house.stranger({ baseURL: `${relay.url}/` });
    visitor.allows(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
    await visitor.page.clock.install();
    await watching(visitor);
    relay.silence();
    await made("web-5");
    expect(await visitor.link("web-5").count()).toBe(0);
    // The lid is closed for ten minutes.
    await visitor.page.clock.fastForward("10:00");
    await phase(visitor, "Reconnecting");
    await relay.cut();
    await relay.open();
    await visitor.page.clock.fastForward("00:20");
    await phase(visitor, "Live");
    await visitor.sees(visitor.page.getByRole("row", { name: /web-5/ }).getByText("provisioned"));
  });

  it("paused it asks for nothing and shows nothing new; resumed it catches up", async () => {
    const visitor = await watching(await house.stranger());
    await visitor.button("Pause live changes").click();
    await phase(visitor, "Paused");
    const asked: string[] = [];
    visitor.page.on("request", (request) => asked.push(request.url()));
    await made("web-6");
    expect(await visitor.link("web-6").count()).toBe(0);
    expect(asked).toEqual([]);
    await visitor.button("Resume live changes").click();
    await visitor.sees(visitor.page.getByRole("row", { name: /web-6/ }).getByText("provisioned"));
  });
});
