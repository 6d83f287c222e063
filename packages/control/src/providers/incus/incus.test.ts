import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Provider } from "../provider.ts";
import { refusal } from "../testing/refusal.ts";
import { incusProvider } from "./driver.ts";
import {
  ALIAS,
  GOLDEN,
  OPERATION,
  RECORD,
  RUNNING,
  SPEC,
  STATE,
  accepted,
  failed,
  operationEnded,
  sync,
} from "./fixtures/recorded.ts";

/** Replays recorded answers on a unix socket of its own. */
type Answer = { status: number; body: unknown } | "reset" | "silence";
interface Seen {
  request: string;
  body: unknown;
}

let folder: string;
let socket: string;
let server: Server;
let provider: Provider;
let seen: Seen[];
/** By `METHOD /path`; the query is left out. What is not named is a 404 of the daemon's router. */
let answers: Record<string, Answer>;

function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
  const path = (request.url ?? "").split("?")[0];
  seen.push({ request: `${request.method} ${request.url}`, body: body === "" ? undefined : JSON.parse(body) });
  const found = answers[`${request.method} ${path}`] ?? failed(404, "not found");
  if (found === "silence") return;
  if (found === "reset") {
    request.socket.destroy();
    return;
  }
  response.writeHead(found.status, { "content-type": "application/json" });
  response.end(typeof found.body === "string" ? found.body : JSON.stringify(found.body));
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "provost-incus-"));
  socket = join(folder, "unix.socket");
  seen = [];
  answers = {
    "GET /1.0/images/aliases/golden": ALIAS,
    "GET /1.0/operations": sync({}),
    [`GET /1.0/operations/${OPERATION.id}/wait`]: operationEnded(200),
  };
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.once("end", () => answer(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  provider = incusProvider({ socket, profiles: ["p"], requestTimeoutMs: 5000 });
});

afterEach(async () => {
  await provider.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

describe("create", () => {
  test("C4 sends name, owner, user data, limits and backups in one POST, and answers with what was accepted", async () => {
    answers["POST /1.0/instances"] = accepted;
    expect(await provider.create(SPEC, {})).toMatchObject({
      id: "web-1",
      status: "stopped",
      owner: SPEC.owner,
      region: "local",
    });
    const posts = seen.filter(({ request }) => request.startsWith("POST"));
    expect(posts).toHaveLength(1);
    expect(posts[0]?.body).toEqual({
      name: "web-1",
      type: "container",
      profiles: ["p"],
      source: { type: "image", fingerprint: GOLDEN },
      config: {
        "limits.cpu": "1",
        "limits.memory": "512MiB",
        "user.provost.deployment": "d-1",
        "user.provost.instance": "i-1",
        "user.provost.type": "c1-512mb",
        "user.provost.image": "golden",
        "cloud-init.user-data": "#!/bin/sh\n",
        "snapshots.schedule": "@daily",
        "snapshots.expiry": "7d",
        "snapshots.pattern": "daily-%d",
      },
    });
  });

  test("C3 without backups no schedule is set; a region other than local is a cluster member", async () => {
    answers["POST /1.0/instances"] = accepted;
    await provider.create({ ...SPEC, backups: false, region: "node-2" }, {});
    const post = seen.find(({ request }) => request.startsWith("POST"));
    expect(post?.request).toBe("POST /1.0/instances?target=node-2");
    expect(JSON.stringify(post?.body)).not.toContain("snapshots");
  });

  test("C4 an operation that goes on past the grace is `creating`, and one that is gone already is no failure", async () => {
    answers["POST /1.0/instances"] = accepted;
    answers[`GET /1.0/operations/${OPERATION.id}/wait`] = operationEnded(103);
    expect(await provider.create(SPEC, {})).toMatchObject({ status: "creating" });
    answers[`GET /1.0/operations/${OPERATION.id}/wait`] = failed(404, "Operation not found");
    expect(await provider.create(SPEC, {})).toMatchObject({ status: "creating" });
    answers[`GET /1.0/operations/${OPERATION.id}/wait`] = "reset";
    expect(await provider.create(SPEC, {})).toMatchObject({ status: "creating" });
  });

  test.each([
    [
      'Failed creating instance record: Add instance info to the database: This "instances" entry already exists',
      "provider_name_taken",
      "none",
    ],
    ['Failed creating instance record: Instance is busy running a "create" operation', "provider_name_taken", "none"],
    ["Failed creating instance record: Invalid value: lots", "provider_rejected", "none"],
    ['Reached maximum number of instances of type "container" in project "x"', "provider_quota_exceeded", "none"],
    ["write /var/lib/lxd: no space left on device", "provider_out_of_stock", "none"],
    ["Image not provided for instance creation", "provider_image_not_found", "none"],
  ])("C7 an operation failed with '%s' is %s", async (text, code, effect) => {
    answers["POST /1.0/instances"] = accepted;
    answers[`GET /1.0/operations/${OPERATION.id}/wait`] = operationEnded(400, text);
    const failure = await refusal(provider.create(SPEC, {}));
    expect(failure).toMatchObject({ code, effect });
    expect(failure.providerMessage).toBe(text);
    if (code !== "provider_name_taken") expect(failure.providerRequestId).toBe(OPERATION.id);
  });

  test("C7 Incus 6 tells a failed operation by a wait that fails: the operation itself is asked what it was", async () => {
    answers["POST /1.0/instances"] = accepted;
    const text =
      'Failed creating instance record: Add instance info to the database: Failed to create "instances" entry: ' +
      "UNIQUE constraint failed: instances.project_id, instances.name";
    answers[`GET /1.0/operations/${OPERATION.id}/wait`] = failed(500, text);
    answers[`GET /1.0/operations/${OPERATION.id}`] = operationEnded(400, text);
    expect(await refusal(provider.create(SPEC, {}))).toMatchObject({ code: "provider_name_taken", effect: "none" });
    answers[`GET /1.0/operations/${OPERATION.id}`] = operationEnded(103);
    expect(await provider.create(SPEC, {})).toMatchObject({ status: "creating" });
    answers[`GET /1.0/operations/${OPERATION.id}`] = failed(404, "Operation not found");
    expect(await provider.create(SPEC, {})).toMatchObject({ status: "creating" });
  });

  test.each([
    [failed(400, "Invalid instance name"), "provider_rejected", "none"],
    [failed(400, "Target only allowed when clustered"), "provider_region_not_found", "none"],
    [failed(403, "not authorized"), "provider_credentials_rejected", "none"],
    [failed(404, "Failed loading project: Project not found"), "provider_rejected", "none"],
    [failed(409, "conflict"), "provider_busy", "none"],
    [failed(500, 'Requested profile "p" doesn\'t exist'), "provider_rejected", "none"],
    [failed(500, "database is locked"), "provider_outcome_unknown", "unknown"],
    [failed(503, "shutting down"), "provider_outcome_unknown", "unknown"],
    [{ status: 502, body: "<html>bad gateway</html>" }, "provider_outcome_unknown", "unknown"],
    [{ status: 202, body: "no json" }, "provider_bad_answer", "unknown"],
    [{ status: 202, body: { type: "async", metadata: {} } }, "provider_bad_answer", "unknown"],
    ["reset" as const, "provider_outcome_unknown", "unknown"],
  ])("C4 a create answered with %o is %s with effect %s", async (given, code, effect) => {
    answers["POST /1.0/instances"] = given;
    expect(await refusal(provider.create(SPEC, {}))).toMatchObject({ code, effect });
    expect(seen.filter(({ request }) => request.startsWith("POST"))).toHaveLength(1);
  });

  test("C4 a create without an answer ends at the timeout, outcome unknown; so does one that the caller gave up", async () => {
    answers["POST /1.0/instances"] = "silence";
    const hasty = incusProvider({ socket, requestTimeoutMs: 200 });
    expect(await refusal(hasty.create(SPEC, {}))).toMatchObject({
      code: "provider_outcome_unknown",
      effect: "unknown",
    });
    await hasty.close();
    const caller = new AbortController();
    server.on("request", (request: IncomingMessage) => {
      if (request.method === "POST") setImmediate(() => caller.abort());
    });
    const given = await refusal(provider.create(SPEC, { signal: caller.signal }));
    expect(given).toMatchObject({ code: "provider_outcome_unknown", effect: "unknown" });
  });

  test("C7 an unknown type or image is refused before anything is asked for", async () => {
    expect(await refusal(provider.create({ ...SPEC, type: "c9" }, {}))).toMatchObject({
      code: "provider_type_not_found",
      effect: "none",
    });
    answers["GET /1.0/images/aliases/nope"] = failed(404, "Image alias not found");
    expect(await refusal(provider.create({ ...SPEC, image: "nope" }, {}))).toMatchObject({
      code: "provider_image_not_found",
      effect: "none",
    });
    answers[`GET /1.0/images/${GOLDEN}`] = sync({ fingerprint: GOLDEN, type: "virtual-machine" });
    answers["POST /1.0/instances"] = accepted;
    await provider.create({ ...SPEC, image: GOLDEN }, {});
    expect(seen.find(({ request }) => request.startsWith("POST"))?.body).toMatchObject({ type: "virtual-machine" });
  });
});

describe("no daemon", () => {
  test("C4 no socket, and a socket nobody listens on, are unreachable: nothing was sent", async () => {
    const absent = incusProvider({ socket: join(folder, "none") });
    expect(await refusal(absent.check({}))).toMatchObject({ code: "provider_unreachable", effect: "none" });
    await absent.close();
    answers["POST /1.0/instances"] = accepted;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const failure = await refusal(provider.boot("web-1", {}));
    expect(failure).toMatchObject({ code: "provider_unreachable", effect: "none" });
    expect(failure.message).toContain(socket);
  });

  test("C15 a server that does not trust this client is a matter of credentials", async () => {
    answers["GET /1.0"] = sync({ auth: "untrusted", environment: {} });
    expect(await refusal(provider.check({}))).toMatchObject({ code: "provider_credentials_rejected" });
    answers["GET /1.0"] = sync({ auth: "trusted", environment: {} });
    await provider.check({});
  });
});

describe("reading", () => {
  test("C4 a stopped instance whose create operation still runs is `creating`, so that it is not booted too early", async () => {
    answers["GET /1.0/instances/web-1"] = sync(RECORD);
    answers["GET /1.0/operations"] = sync({ running: [OPERATION] });
    expect(await provider.get("web-1", {})).toMatchObject({
      status: "creating",
      statusText: "Stopped (Creating instance)",
    });
    answers["GET /1.0/operations"] = sync({ running: null, failure: [{ ...OPERATION, status_code: 400, err: "x" }] });
    expect(await provider.get("web-1", {})).toMatchObject({ status: "stopped" });
    answers["GET /1.0/operations"] = sync({
      running: [{ ...OPERATION, resources: { instances: ["/1.0/instances/web-10?project=p"] } }],
    });
    expect(await provider.get("web-1", {})).toMatchObject({ status: "stopped" });
  });

  test("C6 a running instance shows its own address, not loopback nor the bridge of the Incus inside it", async () => {
    answers["GET /1.0/instances/web-1"] = sync(RUNNING);
    answers["GET /1.0/instances/web-1/state"] = sync(STATE);
    expect(await provider.get("web-1", {})).toEqual({
      id: "web-1",
      name: "web-1",
      owner: SPEC.owner,
      status: "running",
      statusText: "Running",
      region: "local",
      type: "c1-512mb",
      image: "golden",
      ipv4: ["10.83.77.108"],
      ipv6: [],
      backups: false,
      createdAt: "2026-11-21T23:40:59.053Z",
    });
    answers["GET /1.0/instances/web-1/state"] = failed(404, "Instance not found");
    expect(await provider.get("web-1", {})).toMatchObject({ ipv4: [] });
  });

  test("C9 an instance whose init is still alone is booting: a shutdown sent to it would be lost", async () => {
    answers["GET /1.0/instances/web-1"] = sync(RUNNING);
    answers["GET /1.0/instances/web-1/state"] = sync({ processes: 1, network: null });
    expect(await provider.get("web-1", {})).toMatchObject({ status: "booting", ipv4: [] });
    answers["GET /1.0/instances/web-1/state"] = sync({ processes: 2, network: null });
    expect(await provider.get("web-1", {})).toMatchObject({ status: "running" });
    answers["GET /1.0/instances/web-1/state"] = sync({ ...STATE, processes: 1 });
    expect(await provider.get("web-1", {})).toMatchObject({ status: "running" });
  });

  test("C10 only the instance's own 404 means gone: a missing project or a 500 never does", async () => {
    answers["GET /1.0/instances/web-1"] = failed(404, "Instance not found");
    expect(await provider.get("web-1", {})).toBeUndefined();
    answers["GET /1.0/instances/web-1"] = failed(404, "Project not found");
    expect(await refusal(provider.get("web-1", {}))).toMatchObject({ code: "provider_rejected" });
    answers["GET /1.0/instances/web-1"] = failed(500, "boom");
    expect(await refusal(provider.get("web-1", {}))).toMatchObject({
      code: "provider_outcome_unknown",
      effect: "none",
    });
  });

  test("C4 find meets an instance only when name and owner are both ours", async () => {
    answers["GET /1.0/instances/web-1"] = sync(RECORD);
    expect(await provider.find({ name: "web-1", owner: SPEC.owner }, {})).toMatchObject({ id: "web-1" });
    expect(await provider.find({ name: "web-1", owner: { deployment: "d-2", instance: "i-1" } }, {})).toBeUndefined();
    expect(await provider.find({ name: "web-1", owner: { deployment: "d-1", instance: "i-2" } }, {})).toBeUndefined();
    answers["GET /1.0/instances/web-1"] = failed(404, "Instance not found");
    expect(await provider.find({ name: "web-1", owner: SPEC.owner }, {})).toBeUndefined();
  });

  test("C10 pages go by ascending name and cover each instance once, those of others included", async () => {
    const names = ["b", "d", "a", "e", "c"];
    answers["GET /1.0/instances"] = sync(names.map((name) => ({ ...RECORD, name, config: null })));
    const met: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await provider.list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) }, {});
      met.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    } while (cursor !== undefined);
    expect(met).toEqual(["a", "b", "c", "d", "e"]);
    expect((await provider.list({ limit: 9 }, {})).items[0]?.owner).toBeUndefined();
    answers["GET /1.0/instances"] = sync(null);
    expect(await provider.list({ limit: 2 }, {})).toEqual({ items: [] });
  });

  test("C2 images of the recipe are golden; each alias is listed, a nameless image by its fingerprint", async () => {
    answers["GET /1.0/images"] = sync([
      {
        fingerprint: GOLDEN,
        aliases: [{ name: "z" }, { name: "golden" }],
        properties: { "provost.golden": "1", description: "G" },
      },
      { fingerprint: "c437f184633b", aliases: [], properties: null, cached: true },
      { fingerprint: "d437f184633b", aliases: null, properties: { os: "Debian" }, cached: false },
    ]);
    expect(await provider.images({})).toEqual([
      { id: "c437f184633b", label: "c437f184633b", kind: "public" },
      { id: "d437f184633b", label: "d437f184633b", kind: "private" },
      { id: "golden", label: "G", kind: "golden" },
      { id: "z", label: "G", kind: "golden" },
    ]);
  });

  test("C1 regions are `local`, or the members of a cluster", async () => {
    answers["GET /1.0"] = sync({ auth: "trusted", environment: { server_clustered: false, server_name: "vm" } });
    expect(await provider.regions({})).toEqual([{ id: "local", label: "vm (single server)" }]);
    answers["GET /1.0"] = sync({ auth: "trusted", environment: { server_clustered: true } });
    answers["GET /1.0/cluster/members"] = sync([{ server_name: "node-1", status: "Online" }]);
    expect(await provider.regions({})).toEqual([{ id: "node-1", label: "node-1 (Online)" }]);
  });
});

function ends(status: number, text: string): void {
  answers[`GET /1.0/operations/${OPERATION.id}/wait`] = operationEnded(status, text);
}

describe("signals", () => {
  beforeEach(() => {
    answers["PUT /1.0/instances/web-1/state"] = accepted;
    answers["DELETE /1.0/instances/web-1"] = accepted;
  });

  test("C9 an instance that is there already is no error", async () => {
    ends(400, "The instance is already running");
    await provider.boot("web-1", {});
    ends(400, "The instance is already stopped");
    await provider.shutdown("web-1", {});
    expect(await refusal(provider.reboot("web-1", {}))).toMatchObject({ code: "provider_rejected", effect: "none" });
  });

  test("C9 a busy instance and one that is gone are told apart", async () => {
    ends(400, 'Failed to create instance start operation: Instance is busy running a "create" operation');
    expect(await refusal(provider.boot("web-1", {}))).toMatchObject({ code: "provider_busy", effect: "none" });
    answers["PUT /1.0/instances/web-1/state"] = failed(404, "Instance not found");
    expect(await refusal(provider.boot("web-1", {}))).toMatchObject({ code: "provider_instance_not_found" });
  });

  test("C9 destroying a running instance stops it by force first; one that is gone is no error", async () => {
    answers["DELETE /1.0/instances/web-1"] = failed(400, "Instance is running");
    expect(await refusal(provider.destroy("web-1", {}))).toMatchObject({ code: "provider_rejected" });
    expect(seen.map(({ request }) => request.split(" ")[0])).toEqual(["DELETE", "PUT", "GET", "DELETE"]);
    expect(seen[1]?.body).toMatchObject({ action: "stop", force: true });
    answers["DELETE /1.0/instances/web-1"] = failed(404, "Instance not found");
    await provider.destroy("web-1", {});
    answers["DELETE /1.0/instances/web-1"] = failed(400, 'Instance is busy running a "delete" operation');
    await provider.destroy("web-1", {});
  });

  test("C1 a project goes with every request that is of one; closing twice is safe", async () => {
    const other = incusProvider({ socket, project: "team a" });
    await other.boot("web-1", {});
    // An operation is known by its id alone.
    expect(seen.map(({ request }) => request.includes("project=team+a"))).toEqual([true, false]);
    expect(seen[1]?.request).toContain("/1.0/operations/");
    await other.close();
    await other.close();
  });
});
