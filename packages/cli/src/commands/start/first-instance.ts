import { instanceSchema, pageSchema, type DeployRequest, type Instance } from "@provost/contract";
import type { Api } from "../../client/api.ts";

export const firstName = "hello-1";
/** Even a start that was killed between the request and its answer deploys once (C4). */
const firstKey = "provost-start-first-instance";

/** How things stand with the instance that `start` deploys into an empty deployment. */
export type First =
  | { state: "asked"; instance: Instance }
  | { state: "under-way"; instance: Instance }
  | { state: "there"; instance: Instance }
  | { state: "failed"; instance: Instance }
  | { state: "destroyed"; instance: Instance }
  /** There are instances, but never was one of that name. */
  | { state: "other" };

const page = pageSchema(instanceSchema);

/** Deploys the first instance where there has never been any; otherwise says what became of it, and deploys nothing. */
export async function firstInstance(api: Api, provider: string): Promise<First> {
  const known = await findFirst(api);
  if (known === "none") {
    const request: DeployRequest = { name: firstName, provider };
    return {
      state: "asked",
      instance: await api.post("/v1/instances", request, instanceSchema, { "idempotency-key": firstKey }),
    };
  }
  if (known === undefined) return { state: "other" };
  if (known.status === "failed") return { state: "failed", instance: known };
  if (known.archivedAt !== undefined || known.status === "destroying") return { state: "destroyed", instance: known };
  return { state: known.provisionedAt === undefined ? "under-way" : "there", instance: known };
}

/** The newest of that name; bounded, since a deployment in use may hold a long history. */
async function findFirst(api: Api): Promise<Instance | "none" | undefined> {
  const pagesMax = 20;
  let after: string | undefined;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const query = new URLSearchParams({ all: "true", limit: "500", ...(after === undefined ? {} : { after }) });
    const { items, next } = await api.get(`/v1/instances?${query.toString()}`, page);
    if (pages === 0 && items.length === 0) return "none";
    const found = items.find(({ name }) => name === firstName);
    if (found !== undefined || next === undefined) return found;
    after = next;
  }
  return undefined;
}
