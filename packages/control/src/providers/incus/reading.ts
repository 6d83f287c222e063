import type { Call, ListPage, Page, ProviderInstance } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { instance, instances, instanceState, operations, type InstanceAnswer, type Operation } from "./answers.ts";
import type { IncusApi } from "./api.ts";
import { pathOf, toProviderInstance } from "./instance.ts";

export const PAGE_MAX = 500;
/** State is read for this many instances at a time. */
const STATE_READS_MAX = 8;

export async function readInstance(api: IncusApi, id: string, call: Call): Promise<ProviderInstance | undefined> {
  const answer = await orGone(api.sync({ method: "GET", path: pathOf(id) }, instance, call));
  if (answer === undefined) return undefined;
  const [found] = await describe(api, [answer], call);
  return found;
}

/** The daemon lists everything at once, without an order: pages are cut here, by name (C10). */
export async function listInstances(api: IncusApi, page: ListPage, call: Call): Promise<Page<ProviderInstance>> {
  const all =
    (await api.sync({ method: "GET", path: "/1.0/instances", query: { recursion: "1" } }, instances, call)) ?? [];
  const { cursor, until, deployment } = page;
  const limit = Math.min(Math.max(Math.trunc(page.limit), 1), PAGE_MAX);
  const rest = all
    .filter(({ name }) => (cursor === undefined || name > cursor) && (until === undefined || name <= until))
    .filter(
      (each) => deployment === undefined || toProviderInstance(each, [], undefined).owner?.deployment === deployment,
    )
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const wanted = rest.slice(0, limit);
  const last = wanted.at(-1);
  const items = await describe(api, wanted, call);
  return { items, ...(rest.length > limit && last !== undefined ? { next: last.name } : {}) };
}

/** What the daemon works at. */
export async function operationsUnderWay(api: IncusApi, call: Call): Promise<Operation[]> {
  const wanted = { method: "GET", path: "/1.0/operations", query: { recursion: "1" } } as const;
  const all = await api.sync(wanted, operations, call);
  return all.filter((each) => each.status_code < 200);
}

/** Adds what the instance's own record lacks: the operations under way and, for running ones, the addresses. */
async function describe(api: IncusApi, answers: readonly InstanceAnswer[], call: Call): Promise<ProviderInstance[]> {
  if (answers.length === 0) return [];
  const underWay = await operationsUnderWay(api, call);
  const described: ProviderInstance[] = [];
  for (let start = 0; start < answers.length; start += STATE_READS_MAX) {
    const batch = answers.slice(start, start + STATE_READS_MAX);
    described.push(...(await Promise.all(batch.map((each) => describeOne(api, each, underWay, call)))));
  }
  return described;
}

async function describeOne(
  api: IncusApi,
  answer: InstanceAnswer,
  underWay: Operation[],
  call: Call,
): Promise<ProviderInstance> {
  const bare = toProviderInstance(answer, underWay, undefined);
  if (bare.status !== "running") return bare;
  const path = `${pathOf(answer.name)}/state`;
  // Gone or stopped since: then it has no addresses.
  const state = await orGone(api.sync({ method: "GET", path }, instanceState, call));
  return toProviderInstance(answer, underWay, state);
}

async function orGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    // Only the instance's own 404 says that it is gone; a missing project is another matter (C10).
    if (error instanceof ProviderError && error.code === "provider_instance_not_found") return undefined;
    throw error;
  }
}
