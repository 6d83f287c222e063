import type { Call, CreateSpec, ListPage, Owner, Page, ProviderInstance } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import type { LinodeClient } from "./client.ts";
import { deploymentTag, instancePath, otherTags, ownerTags, toInstance } from "./instance.ts";
import { linodeSchema, pageOf, type Linode } from "./shapes.ts";

/** Linode's bounds of `page_size` (reference, "Pagination"). */
export const pageSize = { min: 25, max: 500 } as const;

export async function createInstance(client: LinodeClient, spec: CreateSpec, call: Call): Promise<ProviderInstance> {
  const made = await client.send(
    { what: `create ${spec.name}`, reads: false },
    {
      method: "POST",
      path: "/linode/instances",
      body: {
        label: spec.name,
        region: spec.region,
        type: spec.type,
        image: spec.image,
        booted: true,
        backups_enabled: spec.backups,
        tags: ownerTags(spec.owner),
        ...(spec.sshKeys.length === 0 ? {} : { authorized_keys: spec.sshKeys }),
        ...(spec.rootPassword === undefined ? {} : { root_pass: spec.rootPassword }),
        ...(spec.userData === undefined
          ? {}
          : { metadata: { user_data: Buffer.from(spec.userData, "utf8").toString("base64") } }),
      },
      call,
    },
    linodeSchema,
  );
  return toInstance(made);
}

/** Labels are unique in an account, so one page holds every match; the tags decide whose it is (C4). */
export async function findInstance(
  client: LinodeClient,
  query: { name: string; owner: Owner },
  call: Call,
): Promise<ProviderInstance | undefined> {
  const page = await client.send(
    { what: `look for ${query.name}`, reads: true },
    {
      method: "GET",
      path: "/linode/instances",
      query: { page: 1, page_size: pageSize.min },
      filter: { label: query.name },
      call,
    },
    pageOf(linodeSchema),
  );
  return page.data
    .filter((linode) => linode.label === query.name)
    .map(toInstance)
    .find(({ owner }) => owner?.deployment === query.owner.deployment && owner.instance === query.owner.instance);
}

export async function readInstance(
  client: LinodeClient,
  id: string,
  call: Call,
): Promise<ProviderInstance | undefined> {
  try {
    return toInstance(await readLinode(client, id, call));
  } catch (error) {
    if (error instanceof ProviderError && error.code === "provider_instance_not_found") return undefined;
    throw error;
  }
}

/** Keyset by id (C10): always the first page of what lies behind the cursor. */
export async function listInstances(client: LinodeClient, page: ListPage, call: Call): Promise<Page<ProviderInstance>> {
  const size = Math.min(Math.max(page.limit, pageSize.min), pageSize.max);
  const conditions = [
    ...(page.cursor === undefined ? [] : [{ id: { "+gt": Number(page.cursor) } }]),
    ...(page.until === undefined ? [] : [{ id: { "+lte": Number(page.until) } }]),
    ...(page.deployment === undefined ? [] : [{ tags: deploymentTag(page.deployment) }]),
  ];
  const answer = await client.send(
    { what: "list instances", reads: true },
    {
      method: "GET",
      path: "/linode/instances",
      query: { page: 1, page_size: size },
      filter: {
        ...(conditions.length === 0 ? {} : { "+and": conditions }),
        "+order_by": "id",
        "+order": "asc",
      },
      call,
    },
    pageOf(linodeSchema),
  );
  const items = answer.data.map(toInstance);
  const last = items.at(-1);
  return answer.pages > 1 && last !== undefined ? { items, next: last.id } : { items };
}

/** Tags are written as a whole: read, changed, written. A tag that a person sets in between is lost. */
export async function writeOwner(
  client: LinodeClient,
  id: string,
  owner: Owner | undefined,
  call: Call,
): Promise<void> {
  const { tags } = await readLinode(client, id, call);
  await client.send(
    { what: `tag instance ${id}`, reads: false },
    {
      method: "PUT",
      path: instancePath(id),
      body: { tags: [...otherTags(tags ?? []), ...(owner === undefined ? [] : ownerTags(owner))] },
      call,
    },
    linodeSchema,
  );
}

function readLinode(client: LinodeClient, id: string, call: Call): Promise<Linode> {
  return client.send(
    { what: `show instance ${id}`, reads: true },
    { method: "GET", path: instancePath(id), call },
    linodeSchema,
  );
}
