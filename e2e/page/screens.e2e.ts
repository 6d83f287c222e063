import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { violations } from "./axe.ts";
import { quiet } from "./quiet.ts";
import { screens, show } from "./screens.ts";
import type { Visitor } from "./visitor.ts";
import { World } from "./world/world.ts";

let world: World;
beforeAll(async () => {
  world = await World.make();
});
afterAll(() => world.close());
afterEach(() => quiet(world.house));

const themes = ["light", "dark"] as const;

describe.each(themes)("every screen, %s", (colorScheme) => {
  it("has nothing that axe finds fault with", async () => {
    const stranger = await world.house.stranger({ colorScheme });
    const admin = await world.house.admin({ colorScheme });
    const found: string[] = [];
    for (const screen of screens) {
      const visitor: Visitor = screen.signedOut === true ? stranger : admin;
      await show(visitor, world, screen);
      found.push(...(await violations(visitor.page)).map((each) => `${screen.name}: ${each}`));
    }
    expect(found).toEqual([]);
  });
});

describe("on a phone", () => {
  it("no screen is wider than the phone, and axe finds no fault", async () => {
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
    const stranger = await world.house.stranger(phone);
    const admin = await world.house.admin(phone);
    const found: string[] = [];
    for (const screen of screens) {
      const visitor: Visitor = screen.signedOut === true ? stranger : admin;
      await show(visitor, world, screen);
      const beyond = await visitor.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (beyond > 0) found.push(`${screen.name}: ${beyond} px wider than the phone`);
      found.push(...(await violations(visitor.page)).map((each) => `${screen.name}: ${each}`));
    }
    expect(found).toEqual([]);
  });
});
