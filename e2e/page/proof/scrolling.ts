import { percentile } from "../../jobs/proof.ts";
import type { Scene } from "./scene.ts";

const lists = [
  { name: "instances", path: "instances", table: "Instances" },
  { name: "jobs", path: "jobs", table: "Jobs" },
];
const frames = 600;
/** Some three rows for each frame: a quick hand on a wheel. */
const pxAFrame = 120;

/** Scrolls a list down for ten seconds' worth of frames and tells how long each took. */
export async function proveScrolling({ visitor: { page }, ground: { say, check } }: Scene): Promise<void> {
  for (const { name, path, table } of lists) {
    await page.goto(path);
    await page.getByRole("table", { name: table }).getByRole("row").nth(1).waitFor();
    const { deltas, first, last } = await page.evaluate(scrolled, { table, frames, pxAFrame });
    const figures = [0.5, 0.95, 0.99, 1].map((part) => percentile(deltas, part).toFixed(1));
    say(
      `scrolling ${name}: rows ${first} to ${last} in ${deltas.length} frames; p50 ${figures[0]}, p95 ${figures[1]}, p99 ${figures[2]}, longest ${figures[3]} ms`,
    );
    check(last - first > 500, `${name}: scrolled through ${last - first} rows, read page by page on the way`);
  }
}

/** In the page. */
async function scrolled(asked: {
  table: string;
  frames: number;
  pxAFrame: number;
}): Promise<{ deltas: number[]; first: number; last: number }> {
  const table = document.querySelector(`[role="table"][aria-label="${asked.table}"]`);
  const scroller = table?.parentElement;
  if (table === null || scroller === null || scroller === undefined) throw new RangeError(`no table ${asked.table}`);
  const lowest = (): number =>
    Math.max(...[...table.querySelectorAll("[aria-rowindex]")].map((row) => Number(row.getAttribute("aria-rowindex"))));
  // oxlint-disable-next-line unicorn/consistent-function-scoping -- what is called in the page is made in the page
  const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
  const first = lowest();
  const deltas: number[] = [];
  let at = await frame();
  for (let n = 0; n < asked.frames; n += 1) {
    scroller.scrollBy(0, asked.pxAFrame);
    const next = await frame();
    deltas.push(next - at);
    at = next;
  }
  return { deltas, first, last: lowest() };
}
