import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { House } from "./house.ts";
import { quiet } from "./quiet.ts";
import type { Visitor } from "./visitor.ts";

let house: House;
beforeAll(async () => {
  house = await House.open();
  await house.account();
});
afterAll(() => house.close());
afterEach(() => quiet(house));

/** Calls the API from within the page, with its cookie; answers the status and the problem's code. */
async function destroyed({ page }: Visitor, id: string, withCsrf: boolean): Promise<string> {
  return page.evaluate(
    async ([path, carry]) => {
      const { csrf } = (await (await fetch("/v1/session")).json()) as { csrf: string };
      const headers: Record<string, string> = carry ? { "x-provost-csrf": csrf } : {};
      const answer = await fetch(path, { method: "DELETE", headers });
      return `${answer.status} ${((await answer.json()) as { code: string }).code}`;
    },
    [`/v1/instances/${id}`, withCsrf] as const,
  );
}

describe("who may see and do what (C15)", () => {
  it("a wrong token is told as such, with where the right one lies; the right one opens the page", async () => {
    const visitor = await house.stranger();
    await visitor.open("audit");
    await visitor.sees(visitor.heading("Sign in to Provost"));
    await visitor.page.getByLabel("Access token").fill("pvt_not-a-token");
    await visitor.button("Sign in").click();
    const told = visitor.page.getByRole("alert");
    await visitor.sees(told);
    expect(await told.innerText()).toContain("admin-token");
    await visitor.page.getByLabel("Access token").fill(house.provost.adminToken());
    await visitor.page.keyboard.press("Enter");
    // To where the visitor had wanted to go.
    await visitor.sees(visitor.heading("Audit"));
  });

  it("the token is not kept where a script could read it, and signing out ends the session at the server", async () => {
    const visitor = await house.admin();
    const token = house.provost.adminToken();
    const kept = await visitor.page.evaluate(() =>
      JSON.stringify([document.cookie, Object.entries(localStorage), Object.entries(sessionStorage)]),
    );
    expect(kept).not.toContain(token);
    expect(kept).not.toContain("provost_session");
    const cookies = await visitor.page.context().cookies();
    expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([
      { httpOnly: true, sameSite: "Strict" },
    ]);
    await visitor.choose(/^Signed in as/, "Sign out");
    await visitor.sees(visitor.heading("Sign in to Provost"));
    // The cookie of before opens nothing, should anybody have copied it.
    await visitor.page.context().addCookies(cookies);
    await visitor.open("instances");
    await visitor.sees(visitor.heading("Sign in to Provost"));
  });

  it("a viewer sees the instances and no action, and is refused when calling one directly", async () => {
    await house.provost.post("/v1/instances", { name: "web-1", provider: "linode" });
    const viewer = await house.stranger();
    await viewer.signIn(await house.token("guest", "viewer"));
    await viewer.sees(viewer.link("web-1"));
    expect(await viewer.link("Deploy").count()).toBe(0);
    expect(await viewer.page.getByRole("checkbox").count()).toBe(0);
    expect(await viewer.link("Tokens").count()).toBe(0);
    await viewer.link("web-1").click();
    await viewer.sees(viewer.heading("web-1"));
    await viewer.sees(viewer.page.getByRole("list").first());
    expect(await viewer.button("Actions").count()).toBe(0);
    await viewer.open("instances/deploy");
    await viewer.sees("Your role is to look");
    expect(await viewer.button("Deploy").count()).toBe(0);

    const { id } = await house.provost.instance("web-1");
    expect(await destroyed(viewer, id, true)).toBe("403 forbidden");
    // Who may do it cannot be made to by another page, which does not know what the session's requests carry.
    expect(await destroyed(await house.admin(), id, false)).toBe("403 csrf_rejected");
    expect((await house.provost.instance("web-1")).desired).not.toBe("absent");
  });

  it("a session that is ended elsewhere leads back to the sign-in by itself, and what was shown is gone", async () => {
    const visitor = await house.stranger();
    await visitor.signIn(await house.token("temp", "operator"));
    await visitor.sees(visitor.link("Deploy"));
    const response = await fetch(`${house.provost.url()}/v1/tokens/temp`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${house.provost.adminToken()}` },
    });
    expect(response.ok).toBe(true);
    await visitor.sees(visitor.heading("Sign in to Provost"));
    expect(await visitor.link("Deploy").count()).toBe(0);
  });
});
