import { percentile } from "../../jobs/proof.ts";
import type { Read } from "./plans.ts";
import type { Scene } from "./scene.ts";

/** Screens, with what is in them once they have data. */
interface Place {
  name: string;
  path: (scene: Scene) => string;
  data: string;
  /** Label of the link in the sidebar that leads there. */
  link?: string;
  /** What fits may be anywhere in the list: then one pass over its index is what it takes, and no table's row. Counts are bound there as everywhere. */
  search?: true;
}

const firstRow = '[role="row"][aria-rowindex="2"], [role="rowgroup"] [role="row"] [role="cell"]';
const places: Place[] = [
  { name: "instances", path: () => "instances", data: firstRow, link: "Instances" },
  { name: "instances, one status", path: () => "instances?q=status%3Astopped", data: firstRow },
  {
    name: "instances, three terms",
    path: () => "instances?q=region%3Abr-gru+type%3Ag6-standard-1+tag%3Abatch-9",
    data: firstRow,
    search: true,
  },
  { name: "instances, a free word", path: ({ filled }) => `instances?q=${filled.name}`, data: firstRow, search: true },
  { name: "instances, a word that fits none", path: () => "instances?q=no-such-name", data: "main h2", search: true },
  { name: "an instance", path: ({ filled }) => `instances/${filled.instance}`, data: "main dl dd" },
  { name: "fleets", path: () => "fleets", data: "main h2, [role=row]", link: "Fleets" },
  { name: "images", path: () => "images", data: "main h2, [role=row]", link: "Images" },
  { name: "orphans", path: () => "orphans", data: "main h2, [role=row]", link: "Orphans" },
  { name: "deploy", path: () => "instances/deploy", data: "main input[type=radio]" },
  {
    name: "jobs overview",
    path: () => "jobs/overview",
    data: '[aria-label="Workload by queue"] [role="cell"]',
    link: "Overview",
  },
  { name: "jobs", path: () => "jobs", data: firstRow, link: "Jobs" },
  { name: "jobs, failed", path: () => "jobs?q=status%3Afailed", data: firstRow },
  { name: "jobs, one queue and status", path: () => "jobs?q=queue%3Abatch-3+status%3Aqueued", data: firstRow },
  { name: "jobs, one name", path: () => "jobs?q=name%3Abatch.c", data: firstRow },
  { name: "a job", path: ({ filled }) => `jobs/${filled.job}`, data: "main dl dd" },
  { name: "queues", path: () => "jobs/queues", data: '[aria-label="Queues"] [role="cell"]', link: "Queues" },
  { name: "a queue", path: () => "jobs/queues/batch-1", data: "main dl dd" },
  { name: "schedules", path: () => "jobs/schedules", data: '[role="cell"]', link: "Schedules" },
  { name: "processes", path: () => "jobs/processes", data: '[role="cell"]', link: "Processes" },
  { name: "providers", path: () => "providers", data: "main h2, main article, main section", link: "Providers" },
  { name: "audit", path: () => "audit", data: firstRow, link: "Audit" },
  { name: "health", path: () => "health", data: "main dl dd", link: "Health" },
];

const goalMs = 300;
const boundMs = 60_000;
/** What a page of a list, or a count to its cap of 10,000, may look at; a count of all would be at least ten times that. */
const rowsReadMax = 20_000;
/** What lists can be narrowed by, in one narrow index. */
const searched = "Index Only Scan control_instance control_instance_list";
/** As much as all that, over the store's file. */
const bytesReadMax = 64 * 1_048_576;

/** How soon each screen has data, and what the store looked at for it. */
export async function proveFirstData(scene: Scene): Promise<void> {
  const { say, check, numbers } = scene.ground;
  say(
    `goal for a screen's first data: ${goalMs} ms. Medians of ${numbers.samples}; "by link" within the open page, "by address" a whole load`,
  );
  const slow: string[] = [];
  for (const place of places) {
    try {
      const figures = await measured(scene, place);
      const shown = figures.byLink ?? figures.byAddress;
      if (shown > goalMs) slow.push(`${place.name} ${shown}`);
      say(
        `${place.name.padEnd(34)} ${figures.byLink === undefined ? "" : `by link ${figures.byLink} ms, `}by address ${figures.byAddress} ms, the API's part ${figures.api} ms`,
      );
      await reads(scene, place);
    } catch (error) {
      check(false, `${place.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  say(slow.length === 0 ? `every screen within ${goalMs} ms` : `above ${goalMs} ms: ${slow.join(", ")}`);
  check(true, `${places.length} screens have data over ${numbers.instances} instances and ${numbers.jobs} jobs`);
}

function median(values: readonly number[]): number {
  return Math.round(percentile(values, 0.5));
}

interface Figures {
  byAddress: number;
  byLink: number | undefined;
  /** From the first request to the last answer of the API, the stream aside. */
  api: number;
}

async function measured(scene: Scene, place: Place): Promise<Figures> {
  const byAddress: number[] = [];
  const byLink: number[] = [];
  const api: number[] = [];
  for (let n = 0; n < scene.ground.numbers.samples; n += 1) {
    const load = await loaded(scene, place);
    byAddress.push(load.ms);
    api.push(load.api);
    if (place.link !== undefined) byLink.push(await followed(scene, place.link, place.data));
  }
  return { byAddress: median(byAddress), api: median(api), byLink: byLink.length === 0 ? undefined : median(byLink) };
}

/** A whole load, the files from the browser's cache. */
async function loaded(scene: Scene, place: Place): Promise<{ ms: number; api: number }> {
  const { page } = scene.visitor;
  await page.goto(place.path(scene), { waitUntil: "commit" });
  const ms = await page.evaluate(untilThere, { data: place.data, boundMs });
  const api = await page.evaluate(() => {
    const calls = performance
      .getEntriesByType("resource")
      .filter(({ name }) => name.includes("/v1/") && !name.includes("/stream")) as PerformanceResourceTiming[];
    const first = Math.min(...calls.map(({ startTime }) => startTime));
    return Math.max(...calls.map(({ responseEnd }) => responseEnd)) - first;
  });
  return { ms, api };
}

/** From another screen, by its link in the sidebar; what was read before is forgotten. */
async function followed({ visitor: { page } }: Scene, link: string, data: string): Promise<number> {
  await page.goto("tokens");
  await page.getByRole("row").nth(1).waitFor();
  return page.evaluate(clickedUntilThere, { link, data, boundMs });
}

/** In the page: ms from its start until the selector has something. */
function untilThere({ data, boundMs: bound }: { data: string; boundMs: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (document.querySelector(`#main :is(${data})`) !== null) resolve(performance.now());
      else if (performance.now() > bound)
        reject(new RangeError(`no data within ${bound} ms: ${document.body.innerText.slice(0, 200)}`));
      else requestAnimationFrame(look);
    };
    look();
  });
}

/** In the page: ms from a click until the selector has something that was not there before. */
function clickedUntilThere({
  link,
  data,
  boundMs: bound,
}: {
  link: string;
  data: string;
  boundMs: number;
}): Promise<number> {
  return new Promise((resolve, reject) => {
    const before = document.querySelector("#main h1")?.textContent;
    const target = [...document.querySelectorAll<HTMLAnchorElement>("nav a")].find(
      ({ textContent }) => textContent === link,
    );
    const since = performance.now();
    target?.click();
    const look = (): void => {
      const there = document.querySelector(`#main :is(${data})`) !== null;
      if (there && document.querySelector("#main h1")?.textContent !== before) resolve(performance.now() - since);
      else if (performance.now() - since > bound)
        reject(new RangeError(`no data within ${bound} ms of a click on ${link}`));
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

/** One more visit, with the store telling what it looked at. */
async function reads(scene: Scene, place: Place): Promise<void> {
  const { plans, provost, ground } = scene;
  await plans.begin();
  const before = provost.bytesRead();
  await loaded(scene, place);
  const bytes = provost.bytesRead() - before;
  const met = await plans.end();
  const [most] = met;
  if (plans.known) {
    const wide = met.filter(({ rows }) => rows > rowsReadMax);
    const isOnePass = ({ rows, node, query }: Read): boolean =>
      node === searched && rows <= ground.numbers.instances && !/count\(/i.test(query);
    ground.check(
      most !== undefined && wide.every((each) => place.search === true && isOnePass(each)),
      `${place.name}: no part of a plan met more than ${most?.rows ?? 0} rows (${most?.node}), of ${place.search === true ? `one pass over ${searched}` : rowsReadMax} that may be: ${most?.query.slice(0, most.rows <= rowsReadMax ? 90 : 600)}`,
    );
  } else {
    ground.check(
      bytes <= bytesReadMax,
      `${place.name}: ${(bytes / 1_048_576).toFixed(1)} MiB read by the server, of ${bytesReadMax / 1_048_576}`,
    );
  }
}
