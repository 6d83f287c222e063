import { auditEntrySchema, createdTokenSchema, pageSchema, problemSchema, roles, type Role } from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { ruleOf } from "../src/http/route-rules.ts";
import { Running } from "./running.ts";

const openapi = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ "x-provost-role": z.string() }))),
});

const auditPage = pageSchema(auditEntrySchema);

let running: Running;
const tokens = new Map<Role, string>();

beforeAll(async () => {
  running = await Running.start();
  for (const role of roles) tokens.set(role, (await made(`walker-${role}`, role)).token);
});
afterAll(() => running.stop());

async function made(name: string, role: Role): Promise<z.infer<typeof createdTokenSchema>> {
  const answer = await running.call("POST", "/v1/tokens", { name, role });
  expect(answer.status).toBe(201);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  return createdTokenSchema.parse(await answer.json());
}

function as(token: string | undefined): Record<string, string> {
  return { authorization: token === undefined ? "" : `Bearer ${token}` };
}

interface Operation {
  method: string;
  path: string;
  /** As the document says it. */
  said: string;
}

async function operations(): Promise<Operation[]> {
  const document = openapi.parse(await (await fetch(`${running.server.url}/v1/openapi.json`)).json());
  return Object.entries(document.paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, each]) => ({
      method: method.toUpperCase(),
      path,
      said: each["x-provost-role"],
    })),
  );
}

/** The rule in words, told apart from the server's own table: C15 and issue 5. */
function expected({ method, path }: Operation): Role | "anyone" | "instance" {
  if (path === "/v1/health") return "anyone";
  // Who signs in has no token yet; who is signed in may see that, and sign out.
  if (path === "/v1/session") return method === "POST" ? "anyone" : "viewer";
  if (path.startsWith("/v1/callbacks/")) return "instance";
  if (/^\/v1\/(tokens|webhooks)\b/.test(path)) return "admin";
  if (method === "GET") return "viewer";
  // A server whose process has stopped deploys nothing any more.
  if (path === "/v1/processes/{id}/stop") return "admin";
  // The default image is the provider's.
  return path.startsWith("/v1/providers") || path.endsWith("/default") ? "admin" : "operator";
}

/** On things that do not exist, so that nothing is done where it is allowed. */
function call({ method, path }: Operation, token: string | undefined): Promise<Response> {
  const url = path.replaceAll(/\{\w+\}/g, "nobody-there");
  const body = path.startsWith("/v1/callbacks/") ? { stage: "ready" } : {};
  return running.call(method, url, method === "POST" ? body : undefined, as(token));
}

describe("C15: every route of the OpenAPI document, with a token of each role and without one", () => {
  test("none is left open and none is too strict", async () => {
    const all = await operations();
    expect(all.length).toBeGreaterThan(14);
    for (const operation of all) {
      const needed = expected(operation);
      const what = `${operation.method} ${operation.path}`;
      expect(operation.said, what).toBe(needed);
      const stranger = await call(operation, undefined);
      expect(stranger.status === 401, `${what} without a token: ${stranger.status}`).toBe(needed !== "anyone");
      for (const role of roles) {
        const answer = await call(operation, tokens.get(role));
        const problem = answer.ok ? undefined : problemSchema.parse(await answer.json());
        const told = `${what} as ${role}: ${answer.status} ${problem?.code ?? ""}`;
        if (needed === "instance") {
          expect(problem?.code, told).toBe("callback_token_rejected");
        } else if (needed === "anyone" || roles.indexOf(role) >= roles.indexOf(needed)) {
          expect([401, 403], told).not.toContain(answer.status);
          expect(answer.status, told).toBeLessThan(500);
        } else {
          expect(problem, told).toMatchObject({ status: 403, code: "forbidden" });
          expect(problem?.detail, told).toContain(`needs the role ${needed}`);
        }
      }
    }
  });

  test("a HEAD is as closed as its GET, and what is not there is shown to nobody without a token", async () => {
    expect((await running.call("HEAD", "/v1/tokens", undefined, as(tokens.get("viewer")))).status).toBe(403);
    expect((await running.call("HEAD", "/v1/instances", undefined, as(undefined))).status).toBe(401);
    expect((await running.call("GET", "/v1/secrets", undefined, as(undefined))).status).toBe(401);
    expect((await running.call("GET", "/v1/secrets", undefined, as(tokens.get("viewer")))).status).toBe(404);
  });
});

test("C15: a route without a rule does not start: none can be forgotten", () => {
  expect(() => ruleOf("POST", "/v1/new-thing")).toThrow(expect.objectContaining({ code: "internal" }));
  expect(() => ruleOf("PUT", "/v1/instances/:ref")).toThrow("route-rules.ts");
});

test("C15: a revoked token is refused with the next request, and the stream it opened ends", async () => {
  const leaver = await made("leaver", "operator");
  const script = "#!/bin/sh\n# sandbox: silent\n";
  const deployed = await running.call(
    "POST",
    "/v1/instances",
    { name: "watched", provider: "sandbox", script },
    as(leaver.token),
  );
  expect(deployed.status).toBe(202);
  const stream = await running.call("GET", "/v1/instances/watched/events/stream", undefined, as(leaver.token));
  expect(stream.status).toBe(200);
  const ended = stream.text();
  const revoked = await running.call("DELETE", "/v1/tokens/leaver");
  expect(await revoked.json()).toMatchObject({ id: leaver.id, status: "revoked" });
  expect((await running.call("GET", "/v1/instances", undefined, as(leaver.token))).status).toBe(401);
  // Without the revocation it would stay open: the instance is silent, and its deploy fails after 15 minutes.
  expect(await ended).toContain('"kind":"requested"');
  await vi.waitFor(() => expect(running.log()).toContain("an event stream broke off"));
});

async function lines(query: string): Promise<z.infer<typeof auditPage>["items"]> {
  const answer = await running.call("GET", `/v1/audit?${query}`, undefined, as(tokens.get("viewer")));
  return auditPage.parse(await answer.json()).items;
}

function deployTold(): Promise<Response> {
  return running.call(
    "POST",
    "/v1/instances",
    { name: "told-2", provider: "sandbox" },
    { "idempotency-key": "told-2" },
  );
}

describe("C15: the audit log over HTTP", () => {
  test("says who, on what, in which request and with what outcome: done, unchanged, refused by role, refused by what was asked", async () => {
    const operator = as(tokens.get("operator"));
    const traced = (id: string): Record<string, string> => ({ ...operator, "x-request-id": id });
    await running.call("POST", "/v1/instances", { name: "told-1", provider: "sandbox" }, traced("trace-1"));
    await running.call("POST", "/v1/instances", { name: "told-1", provider: "sandbox" }, traced("trace-2"));
    await running.call("POST", "/v1/instances", { name: "told-1", size: 1 }, traced("trace-3"));
    await running.call("DELETE", "/v1/instances/told-1", undefined, traced("trace-4"));
    await running.call("DELETE", "/v1/instances/told-1", undefined, as(tokens.get("viewer")));
    const told = await lines("target=told-1");
    expect(told.map(({ action, outcome, code }) => `${action} ${outcome} ${code ?? ""}`.trim())).toEqual([
      "instance.destroy refused forbidden",
      "instance.destroy done",
      "instance.deploy refused invalid_request",
      "instance.deploy refused name_taken",
      "instance.deploy done",
    ]);
    expect(told.map(({ requestId }) => requestId).slice(1)).toEqual(["trace-4", "trace-3", "trace-2", "trace-1"]);
    expect(told.map(({ actor }) => actor.name)).toEqual([
      "walker-viewer",
      "walker-operator",
      "walker-operator",
      "walker-operator",
      "walker-operator",
    ]);
    expect(await lines("target=told-1&actor=walker-viewer")).toHaveLength(1);
    await running.call("POST", "/v1/instances", { name: "told\0", provider: "sandbox" }, traced("trace-5"));
    expect((await lines("actor=walker-operator"))[0]).toMatchObject({ code: "invalid_name", requestId: "trace-5" });
  });

  test("a repeated deploy under its idempotency key is told as unchanged", async () => {
    await deployTold();
    await deployTold();
    expect((await lines("target=told-2")).map(({ outcome }) => outcome)).toEqual(["unchanged", "done"]);
  });

  test("reads are no actions, save those that were not allowed", async () => {
    await running.call("GET", "/v1/tokens", undefined, as(tokens.get("viewer")));
    const [line] = await lines("action=read");
    expect(line).toMatchObject({ actor: { name: "walker-viewer" }, outcome: "refused", code: "forbidden" });
  });

  test("cannot be changed: no other method has a route", async () => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      for (const path of ["/v1/audit", "/v1/audit/1"]) {
        const answer = await running.call(method, path, method === "DELETE" ? undefined : {});
        expect(problemSchema.parse(await answer.json()).code, `${method} ${path}`).toBe("route_not_found");
      }
    }
  });

  test("holds no token", async () => {
    const text = JSON.stringify(await lines("limit=500"));
    for (const token of [...tokens.values(), running.token]) expect(text).not.toContain(token);
  });
});
