import { setTimeout as pause } from "node:timers/promises";
import { percentile } from "../../jobs/proof.ts";
import { instanceId, writeInstances } from "./fill.ts";
import type { Scene } from "./scene.ts";

/** Which row the pointer is over: of the first screenful. */
const hovered = 8;
const everyMs = 100;
/** One change in so many is a new instance, which a list that is sorted by time wants to put somewhere. */
const newOneIn = 20;
/** Of the others so many are among the rows on screen. */
const onScreen = 40;

/** Changes come by the thousand while a hand rests on a row: it stays where it is, what it says stays current. */
export async function proveChanges(scene: Scene): Promise<void> {
  const { ground, visitor } = scene;
  const { page } = visitor;
  const { changes, seconds, instances } = ground.numbers;
  await page.goto("instances");
  await visitor.sees(page.getByRole("status").getByText("Live", { exact: true }));
  const row = page.getByRole("table", { name: "Instances" }).getByRole("row").nth(hovered);
  await row.hover();
  const ids = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLAnchorElement>('[role="row"] a[href*="/instances/"]')].map(
      ({ href }) => href.split("/").at(-1) ?? "",
    ),
  );
  const box = await row.boundingBox();
  const at = { x: (box?.x ?? 0) + 300, y: (box?.y ?? 0) + (box?.height ?? 0) / 2 };
  await page.mouse.move(at.x, at.y);
  const watched = page.evaluate(watch, { ...at, ms: seconds * 1_000 });
  const written = await writeChanges(scene, ids.slice(0, onScreen), instances);
  const seen = await watched;
  ground.say(
    `${written} changes in ${seconds} s (${Math.round((written * 60) / seconds)} a minute, ${changes} asked for); the page changed ${seen.mutations} times, ${seen.statuses} words of status on screen; frames p50 ${percentile(seen.deltas, 0.5).toFixed(1)}, p95 ${percentile(seen.deltas, 0.95).toFixed(1)}, longest ${percentile(seen.deltas, 1).toFixed(1)} ms`,
  );
  ground.check(seen.statuses > 0, `the rows on screen showed ${seen.statuses} changes of status by themselves`);
  ground.check(
    seen.rows.length === 1 && seen.tops.length === 1,
    `the row under the pointer was the same in all ${seen.deltas.length} frames, at the same place: ${seen.rows.slice(0, 3).join(", ")} at ${seen.tops.slice(0, 3).join(", ")} px`,
  );
}

async function writeChanges({ sql, ground }: Scene, shown: readonly string[], instances: number): Promise<number> {
  const { changes, seconds } = ground.numbers;
  const total = Math.round((changes * seconds) / 60);
  const begun = performance.now();
  let made = 0;
  for (let n = 0; n < total;) {
    const due = Math.min(total, Math.ceil(((performance.now() - begun) / (seconds * 1_000)) * total));
    const ids: string[] = [];
    for (; n < due; n += 1) {
      if (n % newOneIn === 0) made += 1;
      else ids.push((n % 2 === 0 ? shown[n % shown.length] : undefined) ?? instanceId((n * 7_919) % instances));
    }
    if (made > 0) {
      await writeInstances(sql, instances + n, made);
      made = 0;
    }
    if (ids.length > 0) {
      const word = n % 3 === 0 ? "stopped" : n % 3 === 1 ? "running" : "provisioned";
      const unique = [...new Set(ids)];
      await sql.query(
        `update control_instance set status = '${word}' where id in (${unique.map((id) => `'${id}'`).join(", ")})`,
      );
      const now = Date.now();
      await sql.query(
        `insert into control_instance_event (instance_id, at, kind, message) values ${ids.map((id) => `('${id}', ${now}, 'changed', 'It is ${word}.')`).join(", ")}`,
      );
    }
    await pause(everyMs);
  }
  return total;
}

interface Seen {
  rows: string[];
  tops: number[];
  deltas: number[];
  mutations: number;
  statuses: number;
}

/** In the page: at every frame, which row is under the pointer and where it stands. */
async function watch({ x, y, ms }: { x: number; y: number; ms: number }): Promise<Seen> {
  const rows = new Set<string>();
  const tops = new Set<number>();
  const deltas: number[] = [];
  let mutations = 0;
  let statuses = 0;
  const words = new Map<string, string>();
  const observer = new MutationObserver((records) => (mutations += records.length));
  observer.observe(document.querySelector("#main") ?? document.body, {
    subtree: true,
    childList: true,
    characterData: true,
  });
  const end = performance.now() + ms;
  let at = performance.now();
  while (performance.now() < end) {
    const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
    deltas.push(now - at);
    at = now;
    const row = document.elementFromPoint(x, y)?.closest('[role="row"]');
    rows.add(row?.querySelector("a")?.textContent ?? "none");
    tops.add(Math.round(row?.getBoundingClientRect().top ?? -1));
    if (deltas.length % 30 !== 0) continue;
    for (const each of document.querySelectorAll('[role="row"][aria-rowindex]')) {
      const name = each.querySelector("a")?.textContent ?? "";
      const status = /provisioned|running|stopped|missing/.exec(each.textContent ?? "")?.[0] ?? "";
      if (words.has(name) && words.get(name) !== status) statuses += 1;
      words.set(name, status);
    }
  }
  observer.disconnect();
  return { rows: [...rows], tops: [...tops], deltas, mutations, statuses };
}
