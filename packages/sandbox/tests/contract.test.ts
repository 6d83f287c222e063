import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv, type ValidateFunction } from "ajv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Sandbox, startSandbox } from "../src/index.ts";
import { createBody, LinodeClient, TOKEN, until, userData } from "./linode-client.ts";

const SPEC = fileURLToPath(new URL("../../../../shared/specs/linode.yaml", import.meta.url));
const hasSpec = existsSync(SPEC);
if (!hasSpec) process.stderr.write(`skipped: the contract with Linode's official description, there is no ${SPEC}\n`);

let paths: Record<string, any>;
let sandbox: Sandbox;
let linode: LinodeClient;
let id: number;

const ajv = new Ajv({ strict: false, allErrors: true });
// Formats as Linode writes them: times have no zone, IPv6 has its prefix length.
ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
ajv.addFormat("ipv4", /^\d{1,3}(\.\d{1,3}){3}$/);
ajv.addFormat("ipv6/128", /^[0-9a-f:]+\/128$/);
ajv.addFormat("uuid", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
ajv.addFormat("email", /^[^@\s]+@[^@\s]+$/);
ajv.addFormat("url", /^https?:\/\//);
ajv.addFormat("byte", /^[A-Za-z0-9+/]*={0,2}$/);
for (const format of ["phone", "ssh-key", "password", "ip", "ip/netmask"]) ajv.addFormat(format, true);

/** The schema of an operation's answer, `default` for errors. */
function answerSchema(method: string, path: string, status: "200" | "default"): ValidateFunction {
  const operation = paths[`/{apiVersion}${path}`][method];
  return ajv.compile(withNull(operation.responses[status].content["application/json"].schema));
}

/**
 * Where the real service, and what its official clients expect, is known to differ from the description: these are null
 * while there is nothing to show, and an instance that is resized says so.
 */
const NULL_AS_WELL = new Set([
  "current",
  "finished",
  "in_progress",
  "last_successful",
  "percent_complete",
  "rate",
  "secondary_entity",
]);
const STATUSES_AS_WELL = ["resizing"];

/** OpenAPI 3.0's `nullable` in the words of JSON Schema: also beside `enum` and `allOf`, where ajv's own does not go. */
function withNull(schema: any, name = ""): any {
  if (Array.isArray(schema)) return schema.map((part) => withNull(part));
  if (typeof schema !== "object" || schema === null) return schema;
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, withNull(value, key)]),
  );
  if (name === "status" && Array.isArray(rest.enum) && rest.enum.includes("rebooting"))
    rest.enum.push(...STATUSES_AS_WELL);
  return nullable === true || NULL_AS_WELL.has(name) ? { anyOf: [rest, { type: "null" }] } : rest;
}

function expectValid(validate: ValidateFunction, body: unknown): void {
  expect(validate(body), `${ajv.errorsText(validate.errors)} in ${JSON.stringify(body).slice(0, 500)}`).toBe(true);
}

/** Every field the description has for an object, so that a valid but empty answer is noticed. */
function described(validate: ValidateFunction): string[] {
  const { schema } = validate;
  return typeof schema === "object" ? Object.keys(schema["properties"] ?? schema["items"]?.properties ?? {}) : [];
}

/** A call whose answer must be the described one; waits until the instance is at rest again. */
async function changes(method: "post" | "put" | "delete", path: string, url: string, body?: unknown): Promise<any> {
  const operation = paths[`/{apiVersion}${path}`][method];
  const request = operation.requestBody?.content["application/json"].schema;
  if (request !== undefined) expectDescribed(request, body);
  const answer = await linode.call(method.toUpperCase(), url, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  expectValid(answerSchema(method, path, "200"), answer.body);
  await until(
    () => linode.status(id),
    (status) => status === "running" || status === "offline",
  );
  return answer.body;
}

/** Parts of an `allOf` forbid one another's fields, as they are described: there the names alone are compared. */
function expectDescribed(schema: any, body: any): void {
  if (schema.allOf === undefined) {
    expectValid(ajv.compile(withNull(schema)), body);
    return;
  }
  const known = new Set(schema.allOf.flatMap((part: any) => Object.keys(part.properties)));
  expect(Object.keys(body).filter((field) => !known.has(field))).toEqual([]);
}

describe.skipIf(!hasSpec)("answers are valid by Linode's official description (C16)", () => {
  beforeAll(async () => {
    paths = parse(readFileSync(SPEC, "utf8")).paths;
    sandbox = await startSandbox({ tokens: [TOKEN], fast: true, rateLimits: false });
    linode = new LinodeClient(sandbox.url);
    id = await linode.create("web-1", {
      tags: ["blue"],
      backups_enabled: true,
      private_ip: true,
      ...userData("http://127.0.0.1:9/", "t", "# sandbox: silent"),
    });
    await linode.create("empty", { image: undefined });
    await until(
      () => linode.status(id),
      (status) => status === "running",
    );
  });

  afterAll(() => sandbox.close());

  test.each<[string, string]>([
    ["/linode/instances", "/v4/linode/instances"],
    ["/linode/types", "/v4/linode/types"],
    ["/linode/types/{typeId}", "/v4/linode/types/g6-standard-2"],
    ["/regions", "/v4/regions"],
    ["/regions/{regionId}", "/v4/regions/eu-central"],
    ["/images", "/v4/images"],
    ["/images/{imageId}", "/v4/images/private%2F1"],
    ["/account", "/v4/account"],
    ["/account/events", "/v4/account/events"],
    ["/account/events/{eventId}", "/v4/account/events/500000001"],
    ["/linode/instances/{linodeId}/disks", "/v4/linode/instances/60000001/disks"],
    ["/linode/instances/{linodeId}/disks/{diskId}", "/v4/linode/instances/60000001/disks/100000000"],
    ["/linode/instances/{linodeId}/backups", "/v4/linode/instances/60000001/backups"],
    ["/profile", "/v4/profile"],
  ])("GET %s", async (path, url) => {
    const answer = await linode.get(url);
    expect(answer.status).toBe(200);
    const validate = answerSchema("get", path, "200");
    expectValid(validate, answer.body);
    expect(Object.keys(answer.body).toSorted()).toEqual(described(validate).toSorted());
  });

  test("GET an instance: every described field", async () => {
    const { body } = await linode.get(`/v4/linode/instances/${id}`);
    const validate = answerSchema("get", "/linode/instances/{linodeId}", "200");
    expectValid(validate, body);
    expect(Object.keys(body).toSorted()).toEqual(described(validate).toSorted());
    expect(body).toMatchObject({ has_user_data: true, backups: { enabled: true }, status: "running" });
    expect(body.ipv4).toHaveLength(2);
  });

  test("the list has every described field of its items", async () => {
    for (const [path, url] of [
      ["/linode/types", "/v4/linode/types"],
      ["/regions", "/v4/regions"],
      ["/images", "/v4/images"],
      ["/account/events", "/v4/account/events"],
      ["/linode/instances/{linodeId}/disks", `/v4/linode/instances/${id}/disks`],
    ] as const) {
      const { properties } = paths[`/{apiVersion}${path}`].get.responses["200"].content["application/json"].schema;
      const fields = Object.keys(properties.data.items.properties).toSorted();
      for (const item of (await linode.get(url)).body.data) expect(Object.keys(item).toSorted()).toEqual(fields);
    }
  });

  test("POST an instance: the request the tests send and the answer", async () => {
    const body = createBody("web-2", { tags: ["blue"], ...userData("http://127.0.0.1:9/", "t") });
    const operation = paths["/{apiVersion}/linode/instances"].post;
    expectDescribed(operation.requestBody.content["application/json"].schema, body);
    const answer = await linode.post("/v4/linode/instances", body);
    expectValid(answerSchema("post", "/linode/instances", "200"), answer.body);
  });

  test("resize, rebuild, disks", async () => {
    const url = `/v4/linode/instances/${id}`;
    const path = "/linode/instances/{linodeId}";
    await changes("post", `${path}/resize`, `${url}/resize`, { type: "g6-standard-1", migration_type: "warm" });
    const rebuilt = { image: "linode/debian12", root_pass: "correct horse battery", booted: false };
    await changes("post", `${path}/rebuild`, `${url}/rebuild`, rebuilt);
    const [disk] = (await linode.get(`${url}/disks`)).body.data;
    await changes("post", `${path}/disks/{diskId}/resize`, `${url}/disks/${disk.id}/resize`, { size: 10_000 });
    expect((await linode.get(`${url}/disks/${disk.id}`)).body.size).toBe(10_000);
  });

  test("backups: cancel, enable, snapshot, one of them, restore", async () => {
    const url = `/v4/linode/instances/${id}/backups`;
    const path = "/linode/instances/{linodeId}/backups";
    await changes("post", `${path}/cancel`, `${url}/cancel`);
    await changes("post", `${path}/enable`, `${url}/enable`);
    const { id: backup } = await changes("post", path, url, { label: "before-upgrade" });
    expectValid(answerSchema("get", path, "200"), (await linode.get(url)).body);
    await until(
      () => linode.get(`${url}/${backup}`),
      ({ body }) => body.status === "successful",
    );
    expectValid(answerSchema("get", `${path}/{backupId}`, "200"), (await linode.get(`${url}/${backup}`)).body);
    expectValid(answerSchema("get", path, "200"), (await linode.get(url)).body);
    const target = { linode_id: id, overwrite: true };
    await changes("post", `${path}/{backupId}/restore`, `${url}/${backup}/restore`, target);
    expectValid(
      answerSchema("get", "/linode/instances/{linodeId}", "200"),
      (await linode.get(`/v4/linode/instances/${id}`)).body,
    );
    await linode.post(`/v4/linode/instances/${id}/boot`);
    await until(
      () => linode.status(id),
      (status) => status === "running",
    );
  });

  test("images: made of a disk, updated, deleted; the feed is still as described", async () => {
    const [disk] = (await linode.get(`/v4/linode/instances/${id}/disks`)).body.data;
    const image = await changes("post", "/images", "/v4/images", {
      disk_id: disk.id,
      label: "golden",
      tags: ["golden"],
    });
    expect(image.status).toBe("creating");
    const url = `/v4/images/${image.id}`;
    await until(
      () => linode.get(url),
      ({ body }) => body.status === "available",
    );
    await changes("put", "/images/{imageId}", url, { label: "older" });
    await changes("delete", "/images/{imageId}", url);
    const feed = await linode.get("/v4/account/events");
    expectValid(answerSchema("get", "/account/events", "200"), feed.body);
    expect(feed.body.data.map(({ action }: { action: string }) => action)).toContain("disk_imagize");
  });

  test("PUT, boot, reboot, shutdown, DELETE", async () => {
    const url = `/v4/linode/instances/${id}`;
    const updated = await linode.call("PUT", url, { tags: ["green"] });
    expectValid(answerSchema("put", "/linode/instances/{linodeId}", "200"), updated.body);
    const steps = [
      ["reboot", "running"],
      ["shutdown", "offline"],
      ["boot", "running"],
    ] as const;
    for (const [signal, rest] of steps) {
      const answer = await linode.post(`${url}/${signal}`);
      expect(answer.status).toBe(200);
      expectValid(answerSchema("post", `/linode/instances/{linodeId}/${signal}`, "200"), answer.body);
      await until(
        () => linode.status(id),
        (status) => status === rest,
      );
    }
    const removed = await linode.call("DELETE", url);
    expectValid(answerSchema("delete", "/linode/instances/{linodeId}", "200"), removed.body);
  });

  test("every kind of refusal", async () => {
    sandbox.addFault({ kind: "error_before", path: "/v4/profile" });
    sandbox.addFault({ kind: "rate_limit", path: "/v4/account" });
    const refusals = [
      [400, await linode.post("/v4/linode/instances", createBody("x"))],
      [401, await linode.call("GET", "/v4/linode/instances", undefined, { authorization: "Bearer no" })],
      [404, await linode.get("/v4/linode/instances/1")],
      [429, await linode.get("/v4/account")],
      [500, await linode.get("/v4/profile")],
    ] as const;
    const validate = answerSchema("get", "/linode/instances/{linodeId}", "default");
    for (const [status, answer] of refusals) {
      expect(answer.status).toBe(status);
      expectValid(validate, answer.body);
      expect(answer.body.errors.length).toBeGreaterThan(0);
    }
  });
});
