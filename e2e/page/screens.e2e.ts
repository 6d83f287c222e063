import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { violations } from "./axe.ts";
import { quiet } from "./quiet.ts";
import { screens, show } from "./screens.ts";
import type { Visitor } from "./visitor.ts";
import { World } from "./world/world.ts";

const desk = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };

let world: World;
let stranger: Visitor;
let admin: Visitor;
beforeAll(async () => {
  world = await World.make();
  stranger = await world.house.stranger();
  admin = await world.house.admin();
});
afterAll(() => world.close());

describe("every screen, light, dark and on a phone", () => {
  it.each(screens)("$name: axe finds no fault, and no phone is too narrow for it", async (screen) => {
    const visitor = screen.signedOut === true ? stranger : admin;
    const { page } = visitor;
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(desk);
    await show(visitor, world, screen);
    const found = { light: await violations(page), dark: [] as string[], phone: [] as string[] };
    await page.emulateMedia({ colorScheme: "dark" });
    await page.locator("html[data-theme=dark]").waitFor();
    // The same elements: only their colours can be wrong.
    found.dark = await violations(page, ["color-contrast"]);
    await page.setViewportSize(phone);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    found.phone = await violations(page);
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (beyond > 0) found.phone.push(`it is ${beyond} px wider than the phone`);
    expect(found).toEqual({ light: [], dark: [], phone: [] });
  });

  it("on none of them the browser complained, or asked anybody but the server", () => quiet(world.house));
});
