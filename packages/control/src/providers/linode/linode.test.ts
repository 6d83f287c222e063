import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { startSandbox } from "@provost/sandbox";
import { afterEach, describe, expect, test } from "vitest";
import type { CreateSpec } from "../provider.ts";
import type { ProviderError } from "../provider-error.ts";
import { refusal } from "../testing/refusal.ts";
import { providerSuite } from "../testing/provider.testsuite.ts";
import { retryAfterMs } from "./classify.ts";
import { LinodeProvider } from "./linode.ts";

providerSuite("Linode, on the sandbox", async () => {
  const sandbox = await startSandbox({ tokens: ["suite"], fast: true, rateLimits: { scale: 1_000 } });
  return {
    provider: new LinodeProvider({ endpoint: sandbox.url, token: "suite", requestTimeoutMs: 5_000 }),
    choice: { region: "us-east", type: "g6-nanode-1", image: "linode/debian12" },
    otherType: "g6-standard-1",
    stateMsMax: 10_000,
    dispose: () => sandbox.close(),
  };
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

const linode = {
  id: 7,
  label: spec.name,
  status: "provisioning",
  region: "us-east",
  type: "g6-nanode-1",
  image: "linode/debian12",
  ipv4: ["192.0.2.1"],
  ipv6: "2001:db8::1/128",
  tags: ["provost:d-1", "provost-instance:in_1"],
  created: "2026-11-21T10:00:00",
};

describe("Linode's answers", () => {
  let server: Server | undefined;
  let requests: { line: string; headers: IncomingMessage["headers"]; body: string }[] = [];

  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    server = undefined;
    requests = [];
  });

  /** A server that answers every request alike, and a driver on it. */
  async function answering(
    answer: (response: ServerResponse) => void,
    requestTimeoutMs = 5_000,
  ): Promise<LinodeProvider> {
    const listening = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      request.on("end", () => {
        requests.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
        answer(response);
      });
    });
    server = listening;
    listening.listen(0, "127.0.0.1");
    await once(listening, "listening");
    const address = listening.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return new LinodeProvider({ endpoint: `http://127.0.0.1:${port}/v4/`, token: "secret-token", requestTimeoutMs });
  }

  function refusing(status: number, reason: string, field?: string, headers: Record<string, string> = {}) {
    return answering((response) => {
      response.writeHead(status, { "content-type": "application/json", "x-request-id": "req-1", ...headers });
      response.end(JSON.stringify({ errors: [{ reason, ...(field === undefined ? {} : { field }) }] }));
    });
  }

  async function failure(call: Promise<unknown>): Promise<ProviderError> {
    const thrown = await refusal(call);
    // Exactly one attempt, whatever came of it (C4); and never a credential in the words.
    expect(requests.length).toBeLessThanOrEqual(1);
    expect(`${thrown.message} ${thrown.providerMessage ?? ""}`).not.toContain("secret-token");
    return thrown;
  }

  test("C2, C3, C4: a create carries name, owner tags, backups, keys, password and user data", async () => {
    const provider = await answering((response) => response.end(JSON.stringify(linode)));
    const made = await provider.create(spec, {});
    expect(made).toMatchObject({ id: "7", owner: spec.owner, status: "creating", ipv6: ["2001:db8::1"] });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.line).toBe("POST /v4/linode/instances");
    expect(requests[0]?.headers.authorization).toBe("Bearer secret-token");
    expect(JSON.parse(requests[0]?.body ?? "")).toEqual({
      label: spec.name,
      region: "us-east",
      type: "g6-nanode-1",
      image: "linode/debian12",
      booted: true,
      backups_enabled: true,
      tags: ["provost:d-1", "provost-instance:in_1"],
      authorized_keys: spec.sshKeys,
      root_pass: spec.rootPassword,
      metadata: { user_data: Buffer.from(spec.userData ?? "").toString("base64") },
    });
  });

  test.each([
    [401, "Invalid Token", undefined, "provider_credentials_rejected", "none"],
    [403, "Unauthorized", undefined, "provider_credentials_rejected", "none"],
    [403, "Account Limit reached. Please open a support ticket.", undefined, "provider_quota_exceeded", "none"],
    [400, "Account Limit reached. Please open a support ticket.", undefined, "provider_quota_exceeded", "none"],
    [400, "Linode busy.", undefined, "provider_busy", "none"],
    [400, "Label must be unique among your linodes", "label", "provider_name_taken", "none"],
    [400, "Label is too long", "label", "provider_rejected", "none"],
    [400, "image is not valid", "image", "provider_image_not_found", "none"],
    [400, "type is not valid", "type", "provider_type_not_found", "none"],
    [400, "region is not valid", "region", "provider_region_not_found", "none"],
    [400, "root_pass is required", "root_pass", "provider_rejected", "none"],
    [429, "Too many requests", undefined, "provider_rate_limited", "none"],
    [408, "Please try again", undefined, "provider_outcome_unknown", "unknown"],
    [500, "Internal Server Error", undefined, "provider_outcome_unknown", "unknown"],
    [503, "Maintenance", undefined, "provider_outcome_unknown", "unknown"],
  ])("C4: %i %j of field %s is %s, effect %s", async (status, reason, field, code, effect) => {
    const provider = await refusing(status, reason, field);
    const error = await failure(provider.create(spec, {}));
    expect(error).toMatchObject({ code, effect, httpStatus: status, providerRequestId: "req-1" });
    expect(error.providerMessage).toContain(reason);
  });

  test("C4: an answer that is lost, late, cut or garbled leaves a create unknown, a read not", async () => {
    const cases: [(response: ServerResponse) => void, number][] = [
      [(response) => response.destroy(), 5_000],
      [() => {}, 50],
      [
        (response) => void response.writeHead(200, { "content-length": "100" }).write("{", () => response.destroy()),
        5_000,
      ],
      [(response) => response.end("<html>"), 5_000],
      [(response) => response.end('{"id":"seven"}'), 5_000],
    ];
    for (const [answer, timeoutMs] of cases) {
      const provider = await answering(answer, timeoutMs);
      expect((await failure(provider.create(spec, {}))).effect).toBe("unknown");
      requests = [];
      expect((await failure(provider.get("7", {}))).effect).toBe("none");
      requests = [];
      await provider.close();
      server?.closeAllConnections();
      server?.close();
    }
  });

  test("C4: a refused connection is certain to have done nothing", async () => {
    const provider = new LinodeProvider({
      endpoint: "http://127.0.0.1:1",
      token: "secret-token",
      requestTimeoutMs: 5_000,
    });
    expect(await failure(provider.create(spec, {}))).toMatchObject({ code: "provider_unreachable", effect: "none" });
  });

  test("C11: Retry-After is clamped, dates and nonsense included", () => {
    expect(retryAfterMs("30", 0)).toBe(30_000);
    expect(retryAfterMs("-5", 0)).toBe(1_000);
    expect(retryAfterMs("999999", 0)).toBe(900_000);
    expect(retryAfterMs("Thu, 01 Jan 1970 00:01:00 GMT", 0)).toBe(60_000);
    expect(retryAfterMs("soon", 0)).toBeUndefined();
    expect(retryAfterMs(undefined, 0)).toBeUndefined();
  });

  test("C4: find takes only the exact name with both owner tags", async () => {
    const foreign = { ...linode, tags: ["provost:d-2", "provost-instance:in_1"] };
    const provider = await answering((response) =>
      response.end(JSON.stringify({ data: [foreign, { ...linode, id: 8 }], page: 1, pages: 1, results: 2 })),
    );
    expect(await provider.find({ name: spec.name, owner: spec.owner }, {})).toMatchObject({ id: "8" });
    expect(requests[0]?.headers["x-filter"]).toBe(JSON.stringify({ label: spec.name }));
    expect(
      await provider.find({ name: spec.name, owner: { deployment: "d-3", instance: "in_1" } }, {}),
    ).toBeUndefined();
  });

  test("a word that Linode has not used so far is unknown, and kept for people", async () => {
    const provider = await answering((response) => response.end(JSON.stringify({ ...linode, status: "dreaming" })));
    expect(await provider.get("7", {})).toMatchObject({ status: "unknown", statusText: "dreaming" });
  });
});
