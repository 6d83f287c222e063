import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { House } from "./house.ts";
import { quiet } from "./quiet.ts";

let house: House;
beforeAll(async () => {
  house = await House.open(undefined, { PROVOST_BASE_PATH: "/ops/provost" });
});
afterAll(() => house.close());
afterEach(() => quiet(house));

describe("under a path", () => {
  it("the page is served, signs in, goes to its screens and is reloaded there", async () => {
    const visitor = await house.admin();
    expect(new URL(visitor.page.url()).pathname).toBe("/ops/provost/instances");
    await visitor.link("Audit").click();
    await visitor.sees(visitor.heading("Audit"));
    await visitor.page.reload();
    await visitor.sees(visitor.heading("Audit"));
    expect(new URL(visitor.page.url()).pathname).toBe("/ops/provost/audit");
    await visitor.sees(visitor.page.getByRole("status").getByText("Live", { exact: true }));
  });
});
