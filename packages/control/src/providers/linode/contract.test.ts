import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CreateSpec, Provider } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { DocumentedApi, readFixture, type RecordedRequest } from "../testing/documented-api.ts";
import { DocumentedServer } from "../testing/documented-server.ts";
import { LinodeProvider } from "./linode.ts";

/** The driver beside Linode's official description (fixtures/api.json, made by scripts/provider-fixtures.mjs). */

const paging = ["page", "page_size"];
const api = new DocumentedApi(readFixture(new URL("fixtures/api.json", import.meta.url)), {
  // The reference's "Pagination" has them for every list; the description leaves them out at these.
  "GET /regions": paging,
  "GET /regions/availability": paging,
  "GET /linode/types": paging,
});

const spec: CreateSpec = {
  name: "web-1-abcdefgh",
  owner: { deployment: "d-1", instance: "in_1" },
  region: "us-east",
  type: "g6-nanode-1",
  image: "linode/debian12",
  sshKeys: ["ssh-ed25519 AAAA me"],
  userData: "#!/bin/sh\necho é\n",
  rootPassword: "Secret-password_1",
  backups: true,
};
const bake = { name: "provost-golden-1", deployment: "d-1", golden: true };
const instance = { id: "123", name: "linode123", status: "running", type: "g6-standard-1", region: "us-east" };
const backup = { id: "123456", label: "Webserver-Backup-2018", status: "available", createdAt: "2018-01-15T00:01:01Z" };
const following = JSON.stringify({ seen: 122, open: [5, 6] });

/** Every method of the contract, and what it makes of the documented answers. */
const calls: [name: string, call: (provider: Provider) => Promise<unknown>, read: unknown][] = [
  ["check", (p) => p.check({}), undefined],
  ["regions", (p) => p.regions({}), [{ id: "us-east", label: "Newark, NJ, USA" }]],
  ["types", (p) => p.types({}), [{ id: "g6-standard-2", vcpus: 2, memoryMb: 4096, diskGb: 80, monthlyUsd: 20 }]],
  ["images", (p) => p.images({}), [{ id: "linode/debian11", label: "Debian 11", kind: "public" }]],
  ["create", (p) => p.create(spec, {}), instance],
  ["create, bare", (p) => p.create({ ...spec, sshKeys: [], backups: false }, {}), instance],
  ["find", (p) => p.find({ name: "linode123", owner: spec.owner }, {}), undefined],
  [
    "get",
    (p) => p.get("123", {}),
    {
      ...instance,
      backups: true,
      image: "linode/debian10",
      ipv4: ["203.0.113.1", "192.0.2.1"],
      ipv6: ["c001:d00d::1337"],
      createdAt: "2018-01-01T00:01:01Z",
    },
  ],
  ["list", (p) => p.list({ limit: 9_999 }, {}), { items: [instance] }],
  ["list, a page", (p) => p.list({ limit: 1, cursor: "7" }, {}), { items: [instance] }],
  [
    "list, a shard of ours",
    (p) => p.list({ limit: 500, cursor: "7", until: "900", deployment: "d-1" }, {}),
    { items: [instance] },
  ],
  ["setOwner", (p) => p.setOwner("123", spec.owner, {}), undefined],
  ["boot", (p) => p.boot("123", {}), undefined],
  ["reboot", (p) => p.reboot("123", {}), undefined],
  ["shutdown", (p) => p.shutdown("123", {}), undefined],
  ["powerOff", (p) => p.powerOff("123", {}), undefined],
  ["resize", (p) => p.resize("123", "g6-standard-2", {}), undefined],
  ["destroy", (p) => p.destroy("123", {}), undefined],
  ["enableBackups", (p) => p.enableBackups("123", {}), undefined],
  [
    "backups",
    (p) => p.backups("123", {}),
    [
      { ...backup, kind: "daily" },
      { ...backup, kind: "snapshot" },
      { ...backup, kind: "snapshot" },
    ],
  ],
  ["snapshot", (p) => p.snapshot("123", "before-upgrade", {}), { id: "123456", status: "available" }],
  ["restore", (p) => p.restore("123", "123456", {}), undefined],
  ["imageFrom", (p) => p.imageFrom("123", bake, {}), { id: "linode/debian11", status: "available" }],
  ["findImage", (p) => p.findImage(bake, {}), undefined],
  ["image", (p) => p.image("private/12", {}), { id: "linode/debian11", kind: "public", status: "available" }],
  ["deleteImage", (p) => p.deleteImage("private/12", {}), undefined],
  ["events, from now", (p) => p.events(undefined, {}), { events: [], gap: true, more: false }],
  // The documented one is of a ticket.
  ["events, followed", (p) => p.events(following, {}), { events: [], gap: false, more: false }],
];

let server: DocumentedServer;
let provider: LinodeProvider;

async function recorded(call: () => Promise<unknown>): Promise<RecordedRequest> {
  await call();
  return server.requests.at(-1)!;
}

beforeEach(async () => {
  server = new DocumentedServer(api, "/v4");
  const port = await server.listen();
  provider = new LinodeProvider({ endpoint: `http://127.0.0.1:${port}`, token: "t", requestTimeoutMs: 5_000 });
});
afterEach(async () => {
  await provider.close();
  await server.close();
});

describe("Linode's official description", () => {
  test.each(calls)("C1: %s sends what is documented, and reads the documented answer", async (_, call, read) => {
    const made = await call(provider);
    expect(server.violations).toEqual([]);
    expect(server.requests.length).toBeGreaterThan(0);
    if (read === undefined) expect(made).toBeUndefined();
    else expect(made).toMatchObject(read as object);
  });

  test("C1: the fixture holds exactly the operations that the driver uses", async () => {
    for (const [, call] of calls) await call(provider);
    expect(new Set(server.requests.map(({ operation }) => operation))).toEqual(new Set(Object.keys(api.operations)));
  });

  test.each(calls)("C7: %s tells the documented refusal in the provider's own words", async (_, call) => {
    for (const [name, { refusal }] of Object.entries(api.operations)) {
      server.answers[name] = { status: 400, body: refusal };
    }
    const error = await call(provider).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({
      code: "provider_rejected",
      effect: "none",
      providerMessage: "fieldname: fieldname must be a valid value",
    });
  });

  test("C4: no call sends a POST twice, whatever the answer", async () => {
    for (const [, call] of calls) {
      for (const status of [408, 429, 500, 503]) {
        server.requests.length = 0;
        for (const name of Object.keys(api.operations)) {
          if (!name.startsWith("GET ")) server.answers[name] = { status, body: { errors: [{ reason: "no" }] } };
        }
        await call(provider).catch((error: unknown) => expect(error).toBeInstanceOf(ProviderError));
        expect(server.requests.filter(({ method }) => method !== "GET").length).toBeLessThanOrEqual(1);
      }
    }
  });

  test("every word that is documented for a status has a meaning here, one of the account excepted", async () => {
    const { words, example } = api.operations["GET /linode/instances/{linodeId}"]!.answer;
    expect(words?.["status"]?.length).toBeGreaterThan(10);
    for (const status of words?.["status"] ?? []) {
      server.answers["GET /linode/instances/{linodeId}"] = { status: 200, body: { ...(example as object), status } };
      const seen = await provider.get("123", {});
      expect(seen?.status === "unknown", status).toBe(status === "billing_suspension");
    }
  });
});

describe("Linode's documented events", () => {
  test("C10: each action on an instance has a kind of its own, save those that change nothing of its life", async () => {
    const { words } = api.operations["GET /account/events"]!.answer;
    const actions = (words?.["data.action"] ?? []).filter((action) =>
      /^(linode|lish|lassie|host|backups)_/.test(action),
    );
    const row = { status: "finished", created: "2026-11-21T10:00:00", entity: { id: 7, type: "linode" } };
    const data = actions.map((action, at) => ({ ...row, id: 200 + at, action }));
    server.answers["GET /account/events"] = { status: 200, body: { data, page: 1, pages: 1 } };
    const { events } = await provider.events(following, {});
    expect(events).toHaveLength(actions.length);
    expect(events.filter(({ kind }) => kind === "changed").map(({ text }) => text)).toEqual([
      "linode_addip",
      "linode_update",
      "linode_deleteip",
      "linode_config_create",
      "linode_config_delete",
      "linode_config_update",
    ]);
  });
});

describe("the check itself", () => {
  test("fails for what the description does not know", async () => {
    const create = await recorded(() => provider.create(spec, {}));
    const body = JSON.parse(create.body) as Record<string, unknown>;
    const list = await recorded(() => provider.list({ limit: 100 }, {}));
    const filtered = (filter: object) => ({ ...list, headers: { "x-filter": JSON.stringify(filter) } });
    const wrong: [request: RecordedRequest, said: string][] = [
      [{ ...create, url: "/linode/servers" }, "no such operation"],
      [{ ...create, method: "PATCH" }, "no such operation"],
      [{ ...create, body: JSON.stringify({ ...body, colour: "red" }) }, "colour"],
      [{ ...create, body: JSON.stringify({ ...body, tags: "one" }) }, "/tags must be array"],
      [{ ...create, body: JSON.stringify({ ...body, region: undefined }) }, "'region'"],
      [{ ...create, body: JSON.stringify({ ...body, metadata: { user_data: "#!" } }) }, "byte"],
      [{ ...create, body: "" }, "body is missing"],
      [{ ...create, headers: { ...create.headers, "x-colour": "red" } }, "header x-colour"],
      [{ ...list, url: "/linode/instances?page=1&page_size=501" }, "page_size"],
      [{ ...list, url: "/linode/instances?colour=red" }, "query colour"],
      [{ ...list, url: "/linode/instances/1/shutdown", method: "POST", body: "{}" }, "a body is not known"],
      [filtered({ hypervisor: "kvm" }), "hypervisor cannot be filtered by"],
      [filtered({ "+and": [{ id: { "+near": 1 } }] }), "no operator +near"],
      [filtered({ id: 1, "+order_by": "status" }), "status cannot be filtered by"],
    ];
    for (const [request, said] of wrong) expect(api.violations(request).join("\n"), said).toContain(said);
    expect(api.violations(create)).toEqual([]);
    expect(api.violations(list)).toEqual([]);
  });
});
