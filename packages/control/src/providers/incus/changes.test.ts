import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Provider } from "../provider.ts";
import { DocumentedApi, readFixture } from "../testing/documented-api.ts";
import { DocumentedServer } from "../testing/documented-server.ts";
import { incusProvider } from "./driver.ts";

const api = new DocumentedApi(readFixture(new URL("fixtures/api.json", import.meta.url)));
const one = "/1.0/instances/{name}";
const sync = (metadata: unknown) => ({ status: 200, body: { type: "sync", metadata } });
const failed = (status: number, error: string) => ({
  status,
  body: { type: "error", error_code: status, error, metadata: null },
});
const operation = {
  id: "a49d9631-28d9-4e87-b53d-070a11f48c26",
  description: "Creating instance",
  status_code: 103,
  resources: { instances: ["/1.0/instances/web-1"] },
  err: "",
};
const record = { name: "web-1", status: "Stopped", status_code: 102, location: "none", config: {} };

let folder: string;
let server: DocumentedServer;
let provider: Provider;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "provost-incus-"));
  server = new DocumentedServer(api);
  const socket = join(folder, "unix.socket");
  await server.listen(socket);
  provider = incusProvider({ socket, requestTimeoutMs: 5_000 });
  server.answers["GET /1.0/operations?recursion=1"] = sync({});
  server.answers["GET /1.0/operations/{id}/wait"] = sync({ ...operation, status_code: 200 });
});
afterEach(async () => {
  await provider.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
  expect(server.violations).toEqual([]);
});

function sent(name: string): unknown {
  const body = server.requests.findLast((request) => request.operation === name)?.body;
  return body === undefined || body === "" ? undefined : JSON.parse(body);
}

async function ids(page: { cursor?: string; until?: string; deployment?: string }): Promise<string[]> {
  return (await provider.list({ limit: 500, ...page }, {})).items.map(({ id }) => id);
}

async function listed(): Promise<string[][]> {
  return (await provider.backups("web-1", {})).map(({ id, kind, status }) => [id, kind, status]);
}

/** What the daemon works at. */
function underWay(description: string): void {
  const running = [{ ...operation, description }];
  server.answers["GET /1.0/operations?recursion=1"] = sync({ running, success: null });
}

describe("Incus' changes", () => {
  test("C9: a resize sets the limits and the type, while it runs; an unknown type is refused before anything is sent", async () => {
    await provider.resize("web-1", "c1-1gb", {});
    expect(sent(`PATCH ${one}`)).toEqual({
      config: { "limits.cpu": "1", "limits.memory": "1024MiB", "user.provost.type": "c1-1gb" },
    });
    server.requests.length = 0;
    await expect(provider.resize("web-1", "huge", {})).rejects.toMatchObject({ code: "provider_type_not_found" });
    expect(server.requests).toEqual([]);
  });

  test("C9: a power-off is forced; one that is stopped already is no error", async () => {
    await provider.powerOff("web-1", {});
    expect(sent(`PUT ${one}/state`)).toEqual({ action: "stop", force: true, timeout: 20 });
    const ended = { ...operation, status_code: 400, err: "The instance is already stopped" };
    server.answers["GET /1.0/operations/{id}/wait"] = sync(ended);
    await provider.powerOff("web-1", {});
    server.answers["GET /1.0/operations/{id}/wait"] = sync({ ...ended, err: "Not possible" });
    await expect(provider.powerOff("web-1", {})).rejects.toMatchObject({ code: "provider_rejected" });
  });

  test("C13: adopting writes the owner's keys, releasing empties them, and empty keys are no owner", async () => {
    await provider.setOwner("web-1", { deployment: "d-1", instance: "in_1" }, {});
    const keys = { "user.provost.deployment": "d-1", "user.provost.instance": "in_1" };
    expect(sent(`PATCH ${one}`)).toEqual({ config: keys });
    await provider.setOwner("web-1", undefined, {});
    const empty = { "user.provost.deployment": "", "user.provost.instance": "" };
    expect(sent(`PATCH ${one}`)).toEqual({ config: empty });
    server.answers[`GET ${one}`] = sync({ ...record, config: empty });
    expect((await provider.get("web-1", {}))?.owner).toBeUndefined();
    server.answers[`GET ${one}`] = sync({ ...record, config: keys });
    expect((await provider.get("web-1", {}))?.owner).toEqual({ deployment: "d-1", instance: "in_1" });
  });

  test("C10, C13: a list can be cut to a shard and to our own", async () => {
    const config = { "user.provost.deployment": "d-1", "user.provost.instance": "x" };
    const names = ["e", "a", "c", "b", "d"];
    server.answers["GET /1.0/instances?recursion=1"] = sync(
      names.map((name) => ({ ...record, name, config: name === "c" ? {} : config })),
    );
    expect(await ids({ cursor: "a", until: "d" })).toEqual(["b", "c", "d"]);
    expect(await ids({ cursor: "a", until: "d", deployment: "d-1" })).toEqual(["b", "d"]);
    expect(await ids({ deployment: "d-2" })).toEqual([]);
  });
});

describe("Incus' backups", () => {
  test("C3: they are daily snapshots, and one that was asked for never expires", async () => {
    await provider.enableBackups("web-1", {});
    const config = { "snapshots.schedule": "@daily", "snapshots.expiry": "7d", "snapshots.pattern": "daily-%d" };
    expect(sent(`PATCH ${one}`)).toEqual({ config });
    server.answers[`GET ${one}`] = sync({ ...record, config });
    expect(await provider.get("web-1", {})).toMatchObject({ backups: true });
    expect(await provider.snapshot("web-1", "before", {})).toMatchObject({ id: "before", status: "available" });
    expect(sent(`POST ${one}/snapshots`)).toEqual({
      name: "before",
      stateful: false,
      expires_at: "0001-01-01T00:00:00Z",
    });
  });

  test("C3: they are listed by age, by kind; the newest is pending while the daemon takes one of this instance", async () => {
    server.answers[`GET ${one}/snapshots?recursion=1`] = sync([
      { name: "before", created_at: "2026-11-03T10:00:00Z" },
      { name: "web-1/daily-0", created_at: "2026-11-01T10:00:00Z" },
      { name: "snap7", created_at: "2026-11-02T10:00:00Z" },
    ]);
    const settled = [
      ["daily-0", "daily", "available"],
      ["snap7", "daily", "available"],
      ["before", "snapshot", "available"],
    ];
    expect(await listed()).toEqual(settled);
    underWay("Creating instance");
    expect(await listed()).toEqual(settled);
    underWay("Snapshotting instance");
    expect(await listed()).toEqual([...settled.slice(0, 2), ["before", "snapshot", "pending"]]);
    server.answers[`GET ${one}/snapshots?recursion=1`] = sync(null);
    expect(await listed()).toEqual([]);
  });

  test("C3: while a snapshot is put back the instance is busy", async () => {
    await provider.restore("web-1", "before", {});
    expect(sent(`PUT ${one}`)).toEqual({ restore: "before" });
    server.answers[`GET ${one}`] = sync(record);
    underWay("Restoring snapshot");
    expect(await provider.get("web-1", {})).toMatchObject({ status: "busy" });
  });
});

describe("Incus' images", () => {
  const spec = { name: "golden-7", deployment: "d-1", golden: true };
  const noAlias = failed(404, "Image alias not found");

  test("C2: a stopped instance is published under the name, as ours and golden", async () => {
    server.answers["GET /1.0/images/aliases/{name}"] = noAlias;
    expect(await provider.imageFrom("web-1", spec, {})).toEqual({
      id: "golden-7",
      label: "golden-7",
      kind: "golden",
      status: "available",
    });
    expect(sent("POST /1.0/images")).toEqual({
      source: { type: "instance", name: "web-1" },
      public: false,
      compression_algorithm: "none",
      aliases: [{ name: "golden-7", description: "Baked by Provost" }],
      properties: { description: "golden-7", "provost.deployment": "d-1", "provost.golden": "golden-7" },
    });
  });

  test("C4: a name that is taken is refused before anything is made", async () => {
    await expect(provider.imageFrom("web-1", spec, {})).rejects.toMatchObject({
      code: "provider_name_taken",
      effect: "none",
    });
    expect(sent("POST /1.0/images")).toBeUndefined();
  });

  test("C4: an image that is missing is on its way while any is being made, and there is none afterwards", async () => {
    server.answers["GET /1.0/images/aliases/{name}"] = noAlias;
    underWay("Downloading image");
    expect(await provider.findImage(spec, {})).toMatchObject({ id: "golden-7", status: "creating" });
    expect(await provider.image("golden-7", {})).toMatchObject({ status: "creating" });
    underWay("Creating instance");
    expect(await provider.findImage(spec, {})).toBeUndefined();
    expect(await provider.image("golden-7", {})).toBeUndefined();
    await provider.deleteImage("golden-7", {});
  });

  test("C4: only this deployment's image is met", async () => {
    server.answers["GET /1.0/images/{fingerprint}"] = sync({
      fingerprint: "6bf3731ae8ff",
      properties: { "provost.deployment": "d-1", "provost.golden": "x" },
    });
    expect(await provider.findImage(spec, {})).toMatchObject({ id: "golden-7", kind: "golden", status: "available" });
    expect(await provider.findImage({ ...spec, deployment: "d-2" }, {})).toBeUndefined();
  });
});
