/**
 * `npm run screens [-- NAME …]`: pictures of every screen, or of those that are named, light, dark and on a phone, into
 * docs/screens. The world that they show is made for it and is gone afterwards.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContextOptions } from "playwright-core";
import { screens, show } from "./screens.ts";
import setup from "./setup.ts";
import { smallPng } from "./small-png.ts";
import { World } from "./world/world.ts";

const folder = join(import.meta.dirname, "../../docs/screens");
const looks: Record<string, BrowserContextOptions> = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};
const named = process.argv.slice(2);
const wanted = screens.filter(({ name }) => named.length === 0 || named.includes(name));

// Ends by the exit, which takes servers and clouds along.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

setup();
mkdirSync(folder, { recursive: true });
const world = await World.make();
const missing: string[] = [];
try {
  for (const [look, options] of Object.entries(looks)) {
    const stranger = await world.house.stranger(options);
    const admin = await world.house.admin(options);
    for (const screen of wanted) {
      const visitor = screen.signedOut === true ? stranger : admin;
      const path = join(folder, `${screen.name}-${look}.png`);
      try {
        await show(visitor, world, screen);
        writeFileSync(path, smallPng(await visitor.page.screenshot({ animations: "disabled", caret: "hide" })));
      } catch (error) {
        missing.push(
          `${screen.name}-${look}: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`,
        );
      }
    }
  }
} finally {
  await world.close();
}
for (const each of missing) console.error(`not taken: ${each}`);
console.log(`${wanted.length * Object.keys(looks).length - missing.length} pictures in docs/screens`);
process.exit(missing.length === 0 ? 0 : 1);
