import type { Response } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { House } from "./house.ts";
import { quiet } from "./quiet.ts";

/** Of all that the first route needs, as it comes over the wire. */
const firstLoadBytesMax = 250_000;

let house: House;
beforeAll(async () => {
  house = await House.open();
});
afterAll(() => house.close());
afterEach(() => quiet(house));

describe("the first load", () => {
  it(`takes less than ${firstLoadBytesMax / 1_000} kB for the first route, compressed, without anything cached`, async () => {
    const visitor = await house.stranger();
    const loads: Promise<{ path: string; bytes: number }>[] = [];
    visitor.page.on("response", (response) => {
      const path = new URL(response.url()).pathname;
      // A stream has no end.
      if (!path.endsWith("/stream")) loads.push(sizeOf(path, response));
    });
    await visitor.signIn(house.provost.adminToken());
    loads.length = 0;
    await (await visitor.page.context().newCDPSession(visitor.page)).send("Network.clearBrowserCache");
    await visitor.page.reload();
    await visitor.sees("No instances yet");
    const sizes = await Promise.all(loads);
    const bytes = sizes.reduce((sum, each) => sum + each.bytes, 0);
    // Reported, not asserted: a busy machine would fail a good build.
    const interactiveMs = await visitor.page.evaluate(() => performance.now());
    const files = sizes.filter(({ path }) => !path.startsWith("/v1/"));
    console.log(
      `first load: ${files.length} files and ${sizes.length - files.length} answers, ${(bytes / 1_000).toFixed(1)} kB over the wire; ` +
        `the list stood ${Math.round(interactiveMs)} ms after the reload began`,
    );
    for (const { path, bytes: size } of sizes.toSorted((a, b) => b.bytes - a.bytes).slice(0, 8)) {
      console.log(`  ${String(Math.round(size / 100) / 10).padStart(7)} kB ${path}`);
    }
    expect(files.some(({ path }) => path.endsWith(".js"))).toBe(true);
    expect(bytes).toBeLessThan(firstLoadBytesMax);
  });

  it("loads again from the browser's own cache: nothing with a hashed name is asked for twice", async () => {
    const visitor = await house.admin();
    const asked: string[] = [];
    visitor.page.on("response", (response) => {
      if (!response.fromServiceWorker() && response.url().includes("/assets/")) asked.push(response.url());
    });
    await visitor.page.goto("instances");
    await visitor.sees("No instances yet");
    const transferred = await visitor.page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter((entry): entry is PerformanceResourceTiming => entry.name.includes("/assets/"))
        .map(({ transferSize }) => transferSize),
    );
    expect(transferred.length).toBeGreaterThan(0);
    expect(transferred.every((bytes) => bytes === 0)).toBe(true);
    expect(asked.length).toBeGreaterThanOrEqual(transferred.length);
  });
});

async function sizeOf(path: string, response: Response): Promise<{ path: string; bytes: number }> {
  await response.finished();
  const { responseBodySize, responseHeadersSize } = await response.request().sizes();
  return { path, bytes: responseBodySize + responseHeadersSize };
}
