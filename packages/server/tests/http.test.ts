import {
  errorKinds,
  eventListSchema,
  instanceEventSchema,
  instanceSchema,
  pageSchema,
  problemSchema,
  rootPasswordSchema,
  type ErrorCode,
  type InstanceEvent,
  type Problem,
} from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { Running } from "./running.ts";

const page = pageSchema(instanceSchema);
const openapi = z.looseObject({
  openapi: z.string(),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({ security: z.array(z.unknown()).optional(), responses: z.record(z.string(), z.unknown()) }),
    ),
  ),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});

let running: Running;
beforeAll(async () => {
  running = await Running.start();
});
afterAll(() => running.stop());

async function problem(response: Response, code: ErrorCode): Promise<Problem> {
  expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  const read = problemSchema.parse(await response.json());
  expect(read.code).toBe(code);
  expect(read.requestId).toBe(response.headers.get("x-request-id"));
  expect(read.status).toBe(response.status);
  return read;
}

async function deployed(name: string, body: object = {}): Promise<string> {
  const response = await running.call("POST", "/v1/instances", { name, provider: "sandbox", ...body });
  expect(response.status).toBe(202);
  const { id } = instanceSchema.parse(await response.json());
  expect(response.headers.get("location")).toBe(`/v1/instances/${id}`);
  return id;
}

async function settled(id: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const instance = instanceSchema.parse(await (await running.call("GET", `/v1/instances/${id}`)).json());
      expect(["provisioned", "failed", "destroyed"]).toContain(instance.status);
    },
    { timeout: 60_000, interval: 20 },
  );
}

async function events(id: string, query = ""): Promise<InstanceEvent[]> {
  const answer = await running.call("GET", `/v1/instances/${id}/events${query}`);
  return eventListSchema.parse(await answer.json()).items;
}

async function streamed(id: string, headers: Record<string, string>, path = "events/stream"): Promise<InstanceEvent[]> {
  const response = await running.call("GET", `/v1/instances/${id}/${path}`, undefined, headers);
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const got: InstanceEvent[] = [];
  let rest = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks.filter((each) => each.startsWith("id:"))) {
      const [idLine, data] = block.split("\n");
      const event = instanceEventSchema.parse(JSON.parse(data!.slice(6)));
      expect(idLine).toBe(`id: ${event.seq}`);
      got.push(event);
    }
    if (["provisioned", "failed"].includes(got.at(-1)?.kind ?? "")) break;
  }
  return got;
}

/** The id that an answer carries when the request brought one of its own. */
async function answeredId(given: string): Promise<string | null> {
  return (await running.call("GET", "/v1/health", undefined, { "x-request-id": given })).headers.get("x-request-id");
}

function deployAgain(name: string): Promise<Response> {
  return running.call("POST", "/v1/instances", { name, provider: "sandbox" }, { "idempotency-key": "key-1" });
}

describe("C15 closed by default", () => {
  test.each(["/v1/instances", "/v1/providers", "/v1/drivers", "/v1/instances/x/events/stream", "/v1/nothing-here"])(
    "%s needs a token and says how to get one",
    async (path) => {
      const told = await problem(await running.call("GET", path, undefined, { authorization: "" }), "unauthenticated");
      expect(told.detail).toMatch(/Authorization: Bearer .*admin-token/);
    },
  );

  test("a rejected token is refused and never logged", async () => {
    const wrong = "pvt_wrong-wrong-wrong-wrong-wrong";
    const response = await running.call("GET", "/v1/instances", undefined, { authorization: `Bearer ${wrong}` });
    await problem(response, "unauthenticated");
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(running.log()).toContain('"status":401');
    expect(running.log()).not.toContain(wrong);
    expect(running.log()).not.toContain(running.token);
  });

  test.each(["/v1/health", "/v1/openapi.json", "/reference/", "/reference/js/scalar.js"])(
    "%s is open",
    async (path) => {
      expect((await fetch(`${running.server.url}${path}`)).status).toBe(200);
    },
  );
});

describe("C14 problem+json with a stable code, for every wrong request", () => {
  test.each<[string, ErrorCode, () => Promise<Response>]>([
    ["no such route", "route_not_found", () => running.call("GET", "/v1/servers")],
    ["no such method", "route_not_found", () => running.call("PUT", "/v1/instances", {})],
    ["no JSON", "invalid_request", () => running.call("POST", "/v1/instances", "{")],
    ["empty body", "invalid_request", () => running.call("POST", "/v1/instances", "")],
    ["wrong type", "invalid_request", () => running.call("POST", "/v1/instances", { name: 7, provider: "sandbox" })],
    [
      "unknown field",
      "invalid_request",
      () => running.call("POST", "/v1/instances", { name: "web-1", provider: "sandbox", size: 1 }),
    ],
    ["unknown query", "invalid_request", () => running.call("GET", "/v1/instances?page=2")],
    ["wrong query", "invalid_request", () => running.call("GET", "/v1/instances?limit=501")],
    [
      "wrong key",
      "invalid_request",
      () =>
        running.call(
          "POST",
          "/v1/instances",
          { name: "web-1", provider: "sandbox" },
          { "idempotency-key": "k".repeat(129) },
        ),
    ],
    [
      "wrong content type",
      "media_type_not_supported",
      () => running.call("POST", "/v1/instances", "name=x", { "content-type": "application/x-www-form-urlencoded" }),
    ],
    ["too much", "request_too_large", () => running.call("POST", "/v1/instances", { name: "x".repeat(1_100_000) })],
    ["too long an address", "invalid_request", () => running.call("GET", `/v1/instances/${"x".repeat(200)}`)],
    ["broken address", "invalid_request", () => running.call("GET", "/v1/instances/%zz")],
    [
      "wrong event id",
      "invalid_request",
      () => running.call("GET", "/v1/instances/x/events/stream", undefined, { "last-event-id": "abc" }),
    ],
    ["no such instance", "instance_not_found", () => running.call("GET", "/v1/instances/nobody")],
    ["no such stream", "instance_not_found", () => running.call("GET", "/v1/instances/nobody/events/stream")],
    ["no such provider", "provider_not_found", () => running.call("GET", "/v1/providers/nobody/catalog")],
    [
      "bad name",
      "invalid_name",
      () => running.call("POST", "/v1/instances", { name: "Bad_Name", provider: "sandbox" }),
    ],
  ])("%s", async (_what, code, call) => {
    const told = await problem(await call(), code);
    expect(told.detail).not.toContain("\n");
    expect(told.title).toBe(errorKinds[code].title);
  });

  test("the wrong value is named, a secret is not", async () => {
    const named = await problem(
      await running.call("POST", "/v1/instances", { name: "web-1", provider: "sandbox", region: 42 }),
      "invalid_request",
    );
    expect(named).toMatchObject({ field: "region", detail: expect.stringContaining("region is 42") });
    const secret = await problem(
      await running.call("POST", "/v1/providers", { name: "p", driver: "linode", token: 123456 }),
      "invalid_request",
    );
    expect(secret.detail).not.toContain("123456");
  });

  test("the caller's request id is kept when it is harmless", async () => {
    expect(await answeredId("trace-7")).toBe("trace-7");
    expect(await answeredId("a b{}")).toMatch(/^req-/);
  });
});

describe("deploys over HTTP", () => {
  test("C4 the same idempotency key gives the same instance, another body a conflict", async () => {
    const first = instanceSchema.parse(await (await deployAgain("same-1")).json());
    expect(instanceSchema.parse(await (await deployAgain("same-1")).json()).id).toBe(first.id);
    await problem(await deployAgain("same-2"), "idempotency_key_reused");
    await settled(first.id);
  });

  test("a page of instances leads to the next, newest first", async () => {
    await settled(await deployed("page-1"));
    await settled(await deployed("page-2"));
    const first = page.parse(await (await running.call("GET", "/v1/instances?limit=1")).json());
    expect(first.items).toMatchObject([{ name: "page-2" }]);
    const next = encodeURIComponent(first.next ?? "");
    const second = page.parse(await (await running.call("GET", `/v1/instances?limit=1&after=${next}`)).json());
    expect(second.items).toMatchObject([{ name: "page-1" }]);
  });

  test("C2 the root password is shown once, and not to be cached", async () => {
    const id = await deployed("pass-1");
    await settled(id);
    const answer = await running.call("POST", `/v1/instances/${id}/root-password`);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const { rootPassword } = rootPasswordSchema.parse(await answer.json());
    expect(rootPassword.length).toBeGreaterThan(11);
    await problem(await running.call("POST", `/v1/instances/${id}/root-password`), "root_password_not_available");
    expect(running.log()).not.toContain(rootPassword);
  });

  test("C6 a callback without a token, with a foreign one, or too large is refused", async () => {
    const id = await deployed("call-1");
    const post = (token: string, body: object): Promise<Response> =>
      running.call("POST", `/v1/callbacks/${id}`, body, { authorization: token });
    await problem(await post("", { stage: "ready" }), "callback_token_rejected");
    await problem(await post(`Bearer ${running.token}`, { stage: "ready" }), "callback_token_rejected");
    await problem(await post("Bearer x", { stage: "ready", log: "x".repeat(20_000) }), "request_too_large");
    await settled(id);
  });

  test("C8 a failed instance shows its log and can be destroyed by id", async () => {
    const id = await deployed("fail-1", { script: "#!/bin/sh\n# sandbox: fail exit=3 log=no such package\nexit 3\n" });
    await settled(id);
    const failed = page.parse(await (await running.call("GET", "/v1/instances?failed=true")).json());
    expect(failed.items).toMatchObject([{ id, status: "failed", failure: { code: "script_failed", exitCode: 3 } }]);
    const logs = await (await running.call("GET", `/v1/instances/${id}/logs`)).text();
    expect(logs).toContain("no such package");
    expect((await running.call("DELETE", `/v1/instances/${id}`)).status).toBe(202);
    await vi.waitFor(
      async () =>
        expect(await (await running.call("GET", `/v1/instances/${id}`)).json()).toMatchObject({ status: "destroyed" }),
      { timeout: 60_000, interval: 20 },
    );
  });
});

describe("live events (C14)", () => {
  test("every event comes once and in order, to two listeners, while the deploy runs", async () => {
    const id = await deployed("live-1");
    const [one, two] = await Promise.all([streamed(id, {}), streamed(id, { accept: "text/event-stream" }, "events")]);
    const listed = await events(id);
    expect(one).toEqual(listed);
    expect(two).toEqual(listed);
    expect(listed.at(-1)?.kind).toBe("provisioned");
  });

  test("Last-Event-ID goes on where the connection ended", async () => {
    const id = await deployed("live-2");
    await settled(id);
    const listed = await events(id);
    const rest = await streamed(id, { "last-event-id": String(listed[1]!.seq) });
    expect(rest).toEqual(listed.slice(2));
    expect(await events(id, `?after=${listed[1]!.seq}&limit=2`)).toEqual(listed.slice(2, 4));
  });
});

function inInstance(name: string): string {
  return `/v1/instances/{ref}/${name}`;
}

function inJob(name: string): string {
  return `/v1/jobs/{id}/${name}`;
}

describe("the API's own description", () => {
  test("OpenAPI 3.1: every reference leads somewhere, every route is there, the open ones say so", async () => {
    const document = openapi.parse(await (await fetch(`${running.server.url}/v1/openapi.json`)).json());
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths).toSorted()).toEqual(
      [
        "/v1/audit",
        "/v1/callbacks/{instanceId}",
        "/v1/drivers",
        "/v1/fleets",
        "/v1/fleets/preview",
        "/v1/fleets/{id}",
        "/v1/fleets/{id}/cancel",
        "/v1/fleets/{id}/members",
        "/v1/health",
        "/v1/images",
        "/v1/images/{ref}",
        "/v1/images/{ref}/default",
        "/v1/instances",
        "/v1/instances/{ref}",
        "/v1/instances/{ref}/events",
        "/v1/instances/{ref}/events/stream",
        "/v1/instances/{ref}/logs",
        "/v1/instances/{ref}/root-password",
        ...["backups", "boot", "power-off", "protect", "reboot", "resize", "restore", "shutdown"].map(inInstance),
        ...["snapshot", "tags", "tasks", "unprotect"].map(inInstance),
        "/v1/jobs",
        "/v1/jobs/actions",
        "/v1/jobs/actions/preview",
        "/v1/jobs/counts",
        "/v1/jobs/overview",
        "/v1/jobs/stream",
        "/v1/jobs/{id}",
        ...["cancel", "flow", "flow/stages/{stage}", "hold", "logs", "move", "retry", "run-now", "unhold", "why"].map(
          inJob,
        ),
        "/v1/processes",
        "/v1/processes/{id}",
        ...["quiet", "resume", "stop"].map((name) => `/v1/processes/{id}/${name}`),
        "/v1/queues",
        "/v1/queues/{name}",
        ...["pause", "resume"].map((name) => `/v1/queues/{name}/${name}`),
        "/v1/schedules",
        "/v1/schedules/{name}",
        ...["pause", "resume", "run", "ticks"].map((name) => `/v1/schedules/{name}/${name}`),
        "/v1/providers",
        "/v1/providers/{name}",
        "/v1/providers/{name}/catalog",
        "/v1/tasks/{id}",
        "/v1/providers/{name}/orphan-policy",
        "/v1/orphans",
        "/v1/orphans/{provider}/{id}",
        "/v1/orphans/{provider}/{id}/adopt",
        "/v1/sweeps",
        "/v1/instances/adopt",
        "/v1/instances/counts",
        "/v1/session",
        "/v1/stream",
        "/v1/system",
        "/v1/tasks/{id}/cancel",
        "/v1/providers/{name}/check",
        "/v1/instances/{ref}/release",
        "/v1/providers/{name}/resume",
        "/v1/tokens",
        "/v1/tokens/{ref}",
        "/v1/webhooks",
        "/v1/webhooks/{ref}",
        "/v1/webhooks/{ref}/deliveries",
        "/v1/webhooks/{ref}/deliveries/{id}",
        "/v1/webhooks/{ref}/deliveries/{id}/redeliver",
        "/v1/webhooks/{ref}/test",
      ].toSorted(),
    );
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to!);
    expect(references.length).toBeGreaterThan(10);
    for (const to of references)
      expect(document.components.schemas, to).toHaveProperty([to.replace("#/components/schemas/", "")]);
    expect(document.paths["/v1/health"]!["get"]!.security).toEqual([]);
    expect(text).not.toContain("x-provost-component");
    expect(document.components.schemas["DeployRequest"]).toMatchObject({ required: ["name", "provider"] });
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const operation of Object.values(operations))
        expect(Object.keys(operation.responses)[0], path).toMatch(/^2/);
    }
  });

  test("the reference page asks nothing of any other host", async () => {
    const answer = await fetch(`${running.server.url}/reference/`);
    const html = await answer.text();
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/https?:/);
    expect([...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, to]) => to)).toEqual(["js/scalar.js"]);
    expect(html).toContain('"withDefaultFonts": false');
  });
});
