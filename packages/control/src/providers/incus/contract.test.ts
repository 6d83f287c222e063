import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CreateSpec, Provider } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { DocumentedApi, readFixture } from "../testing/documented-api.ts";
import { DocumentedServer } from "../testing/documented-server.ts";
import { incusProvider } from "./driver.ts";

/** The driver beside Incus' official description (fixtures/api.json, made by scripts/provider-fixtures.mjs). */

const api = new DocumentedApi(readFixture(new URL("fixtures/api.json", import.meta.url)));
const example = (name: string) => structuredClone(api.operations[name]!.answer.example) as { metadata: any };

const spec: CreateSpec = {
  name: "web-1",
  owner: { deployment: "d-1", instance: "in_1" },
  region: "server01",
  type: "c1-512mb",
  image: "ubuntu-22.04",
  sshKeys: [],
  userData: "#!/bin/sh\n",
  backups: true,
};
const bake = { name: "golden-1", deployment: "d-1", golden: true };
const fingerprint = "06b86454720d36b20f94e31c6812e05ec51c1b568cf3a8abd273769d213394bb";
const instance = { id: "foo", name: "foo", statusText: "Running", region: "server01", type: "custom", backups: false };

/** Every method of the contract, and what it makes of the documented answers. */
const calls: [name: string, call: (provider: Provider) => Promise<unknown>, read: unknown][] = [
  ["regions", (p) => p.regions({}), [{ id: "server01", label: "server01 (Online)" }]],
  ["images", (p) => p.images({}), [{ id: "ubuntu-22.04", kind: "public" }]],
  ["create", (p) => p.create(spec, {}), { id: "web-1", status: "creating" }],
  ["create, by fingerprint", (p) => p.create({ ...spec, image: fingerprint, region: "local" }, {}), { id: "web-1" }],
  ["find", (p) => p.find({ name: "foo", owner: spec.owner }, {}), undefined],
  ["get", (p) => p.get("foo", {}), { ...instance, createdAt: "2021-03-24T00:00:00.000Z" }],
  ["list", (p) => p.list({ limit: 10, cursor: "a", until: "z" }, {}), { items: [instance] }],
  ["list, ours", (p) => p.list({ limit: 10, deployment: "d-1" }, {}), { items: [] }],
  ["setOwner", (p) => p.setOwner("foo", spec.owner, {}), undefined],
  ["boot", (p) => p.boot("foo", {}), undefined],
  ["reboot", (p) => p.reboot("foo", {}), undefined],
  ["shutdown", (p) => p.shutdown("foo", {}), undefined],
  ["powerOff", (p) => p.powerOff("foo", {}), undefined],
  ["resize", (p) => p.resize("foo", "c1-1gb", {}), undefined],
  ["destroy", (p) => p.destroy("foo", {}), undefined],
  ["enableBackups", (p) => p.enableBackups("foo", {}), undefined],
  ["backups", (p) => p.backups("foo", {}), [{ id: "foo", kind: "snapshot", createdAt: "2021-03-24T00:00:00.000Z" }]],
  ["snapshot", (p) => p.snapshot("foo", "before-upgrade", {}), { id: "before-upgrade", status: "pending" }],
  ["restore", (p) => p.restore("foo", "before-upgrade", {}), undefined],
  ["findImage", (p) => p.findImage(bake, {}), undefined],
  ["image", (p) => p.image("golden-1", {}), { id: "golden-1", status: "available" }],
  ["deleteImage", (p) => p.deleteImage("golden-1", {}), undefined],
  ["events, from now", (p) => p.events(undefined, {}), { events: [], gap: true, more: false }],
];

const fail = (text: string, status: number) => ({
  status,
  body: { type: "error", error_code: status, error: text, metadata: null },
});

let folder: string;
let server: DocumentedServer;
let provider: Provider;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "provost-incus-"));
  server = new DocumentedServer(api);
  const socket = join(folder, "unix.socket");
  await server.listen(socket);
  provider = incusProvider({ socket, project: "team-a", profiles: ["p"], requestTimeoutMs: 5_000 });
  const cluster = example("GET /1.0");
  cluster.metadata.environment.server_clustered = true;
  server.answers["GET /1.0"] = { status: 200, body: cluster };
});
afterEach(async () => {
  await provider.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("Incus' official description", () => {
  test.each(calls)("C1: %s sends what is documented, and reads the documented answer", async (_, call, read) => {
    const made = await call(provider);
    expect(server.violations).toEqual([]);
    expect(server.requests.length).toBeGreaterThan(0);
    if (read === undefined) expect(made).toBeUndefined();
    else expect(made).toMatchObject(read as object);
  });

  test("C1: the documented server does not trust the client, a made image has no alias yet, a running one has addresses", async () => {
    delete server.answers["GET /1.0"];
    await expect(provider.check({})).rejects.toMatchObject({ code: "provider_credentials_rejected" });
    server.answers["GET /1.0/images/aliases/{name}"] = fail("Image alias not found", 404);
    expect(await provider.imageFrom("foo", bake, {})).toMatchObject({ id: "golden-1", status: "creating" });
    const running = example("GET /1.0/instances/{name}");
    running.metadata.status_code = 103;
    server.answers["GET /1.0/instances/{name}"] = { status: 200, body: running };
    expect(await provider.get("foo", {})).toMatchObject({
      status: "running",
      ipv6: ["fd42:4c81:5770:1eaf:1266:6aff:fe0c:eedd"],
    });
    server.answers["GET /1.0/operations/{id}/wait"] = fail("boom", 500);
    await provider.boot("foo", {});
    expect(await provider.create({ ...spec, image: fingerprint }, {})).toMatchObject({ status: "creating" });
    expect(server.violations).toEqual([]);
  });

  test("C1: the fixture holds exactly the operations that the driver uses", async () => {
    for (const [, call] of calls) await call(provider);
    await provider.check({}).catch(() => {});
    const running = example("GET /1.0/instances/{name}");
    running.metadata.status_code = 103;
    server.answers["GET /1.0/instances/{name}"] = { status: 200, body: running };
    await provider.get("foo", {});
    server.answers["GET /1.0/operations/{id}/wait"] = fail("boom", 500);
    server.answers["GET /1.0/images/aliases/{name}"] = fail("Image alias not found", 404);
    await provider.imageFrom("foo", bake, {});
    await provider.create({ ...spec, image: fingerprint }, {});
    expect(new Set(server.requests.map(({ operation }) => operation))).toEqual(new Set(Object.keys(api.operations)));
  });

  test.each(calls.filter(([name]) => !name.startsWith("events")))(
    "C7: %s tells the documented refusal in the server's own words",
    async (_, call) => {
      for (const [name, { refusal }] of Object.entries(api.operations)) {
        server.answers[name] = { status: 400, body: refusal };
      }
      const error = await call(provider).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ code: "provider_rejected", effect: "none", providerMessage: "bad request" });
    },
  );

  test("C10: the documented event is met in the feed, once and in order, by instance", async () => {
    const { cursor } = await provider.events(undefined, {});
    const event = structuredClone(api.operations["GET /1.0/events"]!.answer.example) as Record<string, unknown>;
    // The description shows the inner JSON as a text.
    event["metadata"] = JSON.parse(String(event["metadata"]));
    server.push(event);
    const page = await vi.waitFor(async () => {
      const next = await provider.events(cursor, {});
      expect(next.events).toHaveLength(1);
      return next;
    });
    expect(page).toMatchObject({ gap: false, more: false });
    expect(page.events[0]).toMatchObject({
      instanceId: "c1",
      kind: "booted",
      state: "finished",
      text: "instance-started",
      at: "2021-02-25T00:00:45.452Z",
    });
    expect(await provider.events(page.cursor, {})).toMatchObject({ events: [], gap: false });
    expect(server.violations).toEqual([]);
  });
});
