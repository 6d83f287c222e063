import { instanceStatuses, type Instance, type InstanceFilter } from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { countOfFailed, countsOfStatuses, idsOfPage, type InstanceListQuery } from "../src/instances/instance-list.ts";
import { queryBuilder } from "../src/storage/dialect.ts";
import { manyInstances, type Made } from "./many-instances.ts";
import { stores } from "./stores.ts";
import { World } from "./world.ts";

const made = 20_000;

/** What each filter means, in other words than the store's. */
const filters: [InstanceFilter, (one: Made) => boolean][] = [
  [{}, () => true],
  [{ provider: "backup-site" }, ({ provider }) => provider === "backup-site"],
  [{ region: "rare-1" }, ({ region }) => region === "rare-1"],
  [{ region: "us-east,eu-central" }, ({ region }) => region === "us-east" || region === "eu-central"],
  [{ status: "running" }, ({ status }) => status === "running"],
  [{ status: "stopped,rebooting" }, ({ status }) => status === "stopped" || status === "rebooting"],
  [{ status: "stopped", provider: "sandbox" }, (one) => one.status === "stopped" && one.provider === "sandbox"],
  [{ type: "g6-standard-2" }, ({ type }) => type === "g6-standard-2"],
  [{ tag: "team:blue" }, ({ tags }) => tags.includes("team:blue")],
  [{ tag: "team" }, () => false],
  [{ name: "web-12" }, ({ name }) => name.startsWith("web-12")],
  [{ name: "b-1" }, () => false],
  [{ q: "b-1999" }, ({ name }) => name.includes("b-1999")],
  [{ q: "700001234" }, ({ providerId }) => providerId === "700001234"],
  [{ q: "10.0.7.8" }, ({ ipv4 }) => ipv4.includes("10.0.7.8")],
  [{ q: "%" }, () => false],
  [{ q: "in_many000000000000012" }, ({ id }) => id === "in_many000000000000012"],
  [{ region: "nowhere" }, () => false],
  [
    { tag: "even", region: "us-west", status: "running" },
    (one) => one.tags.includes("even") && one.region === "us-west" && one.status === "running",
  ],
];

/** Known to go otherwise: one status, one id; and PostgreSQL finds rare beginnings of names by their own index, addresses in the rows. */
function ownWay({ status, q, name }: InstanceFilter, store: string): boolean {
  const isOther = status === "running" || q?.startsWith("in_") === true;
  return isOther || (store === "PostgreSQL" && (name !== undefined || q === "10.0.7.8"));
}

describe.each(stores)("lists of many instances on $name", (store) => {
  let world: World;
  let all: Made[];
  beforeAll(async () => {
    world = await World.start({ store });
    all = await manyInstances(world, made);
    await world.sql(store.name === "PostgreSQL" ? "vacuum analyze control_instance" : "analyze");
  });
  afterAll(() => world.stop());

  async function listed(query: Omit<InstanceListQuery, "limit">, limit = 500): Promise<Instance[]> {
    const items: Instance[] = [];
    for (let after: string | undefined; ;) {
      const page = await world.control.instances.list({ ...query, limit, ...(after === undefined ? {} : { after }) });
      items.push(...page.items);
      if (page.next === undefined) return items;
      after = page.next;
    }
  }

  test.each(filters)(
    "C14: %j finds what it says, newest first, page after page, and no other",
    async (filter, fits) => {
      const wanted = all.filter((one) => one.live && fits(one)).toReversed();
      expect((await listed(filter)).map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
      const { statuses } = await world.control.instances.counts(filter);
      const counted: Record<string, number> = {};
      for (const { status } of wanted) counted[status] = (counted[status] ?? 0) + 1;
      expect(statuses).toEqual(counted);
    },
  );

  test("C8: failed ones are narrowed and counted like the others", async () => {
    const query = { failed: true, provider: "sandbox", q: "99" };
    const wanted = all
      .filter((one) => one.status === "failed" && one.provider === "sandbox" && one.name.includes("99"))
      .toReversed();
    expect(wanted.length).toBeGreaterThan(1);
    expect((await listed(query)).map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
    expect((await world.control.instances.counts({ provider: "sandbox", q: "99" })).failed).toBe(wanted.length);
  });

  test("C14: a status that there is not is refused, with those that there are", async () => {
    await expect(world.control.instances.list({ status: "asleep", limit: 1 })).rejects.toMatchObject({
      code: "invalid_request",
      field: "status",
    });
  });

  /** How the store goes about it. */
  async function plan(compiled: { sql: string; parameters: readonly unknown[] }): Promise<string> {
    const explain = store.name === "PostgreSQL" ? "explain" : "explain query plan";
    const { rows } = (await world.transporter.sql?.query(`${explain} ${compiled.sql}`, compiled.parameters)) ?? {
      rows: [],
    };
    return rows.map((row) => String(row["detail"] ?? row["QUERY PLAN"])).join("\n");
  }

  const db = queryBuilder(store.name === "PostgreSQL" ? "postgres" : "sqlite", { query: () => expect.unreachable() });
  const fromIndex = (index: string): RegExp =>
    store.name === "PostgreSQL"
      ? new RegExp(`Index Only Scan( Backward)? using ${index}`)
      : new RegExp(`USING COVERING INDEX ${index}`);
  const readsRows = /Seq Scan|Bitmap|\bIndex Scan\b|SCAN control_instance$|USING INDEX|TEMP B-TREE|\bSort\b/m;

  test.each(filters.filter(([filter]) => !ownWay(filter, store.name)))(
    "the list for %j is read from its index alone, in its order: no row that is not shown, no sorting, no count",
    async (filter) => {
      const told = await plan(idsOfPage(db, { ...filter, limit: 50, after: all[15_000]?.id ?? "" }).compile());
      expect(told).toMatch(fromIndex("control_instance_list"));
      expect(told).not.toMatch(readsRows);
    },
  );

  test("the list of one status, and the counts, are read from the index of statuses alone, up to the limit", async () => {
    const one = await plan(idsOfPage(db, { status: "running", limit: 50 }).compile());
    expect(one).toMatch(fromIndex("control_instance_status"));
    expect(one).not.toMatch(readsRows);
    const counts = await plan(countsOfStatuses(db, {}).compile());
    expect(counts.match(new RegExp(fromIndex("control_instance_status"), "g"))).toHaveLength(instanceStatuses.length);
    expect(counts).not.toMatch(readsRows);
    expect(countsOfStatuses(db, {}).compile().sql.match(/limit/g)).toHaveLength(instanceStatuses.length);
    expect(await plan(countOfFailed(db, {}).compile())).toContain("control_instance_failed");
  });
});

describe.each(stores)("tags on $name", (store) => {
  let world: World;
  beforeAll(async () => {
    world = await World.start({ store });
  });
  afterAll(() => world.stop());

  test("C14: an instance has the tags it was deployed with, each once, until others are set; told and audited", async () => {
    const { id, tags } = await world.deploy("tagged-1", { tags: ["web", "blue", "web"] });
    expect(tags).toEqual(["blue", "web"]);
    await world.until(id, "provisioned");
    expect((await world.control.instances.setTags("tagged-1", ["team:red"])).tags).toEqual(["team:red"]);
    await world.control.instances.setTags("tagged-1", ["team:red"]);
    const found = async (tag: string) =>
      (await world.control.instances.list({ tag, limit: 9 })).items.map((one) => one.id);
    expect([await found("blue"), await found("team:red")]).toEqual([[], [id]]);
    expect((await world.story(id)).filter((kind) => kind === "tagged")).toHaveLength(1);
    const { items } = await world.control.audit.list({ action: "instance.tag", target: id, limit: 9 });
    expect(items).toMatchObject([
      { before: { tags: ["blue", "web"] }, after: { tags: ["team:red"] }, outcome: "done" },
    ]);
    const preview = await world.control.fleets.preview({ action: "reboot", filter: "tag:team:red" });
    expect(preview.sample).toMatchObject([{ id }]);
    await expect(world.control.fleets.preview({ action: "reboot", filter: "tag:team" })).rejects.toMatchObject({
      code: "fleet_empty",
    });
  });

  test.each(["10.0.0.1", "Web", "a b", "a,b", "", `"`, "x".repeat(41)])("C14: %j is no tag", async (tag) => {
    await expect(world.deploy("tagged-2", { tags: [tag] })).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("a key that a request without tags was sent with stands for it still", async () => {
    const once = await world.deploy("tagged-3", {}, { idempotencyKey: "tags-1" });
    expect((await world.deploy("tagged-3", { tags: [] }, { idempotencyKey: "tags-1" })).id).toBe(once.id);
    await expect(world.deploy("tagged-3", { tags: ["x"] }, { idempotencyKey: "tags-1" })).rejects.toMatchObject({
      code: "idempotency_key_reused",
    });
  });
});
