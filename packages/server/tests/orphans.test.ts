import {
  instanceSchema,
  orphanSchema,
  pageSchema,
  problemSchema,
  providerSchema,
  sweepSchema,
} from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { Running } from "./running.ts";

const orphanPage = pageSchema(orphanSchema);
const sweepList = z.object({ items: z.array(sweepSchema) });

let running: Running;

beforeAll(async () => {
  running = await Running.start({ PROVOST_SWEEP_EVERY: "100ms" });
});
afterAll(() => running.stop());

async function orphans(): Promise<z.infer<typeof orphanPage>> {
  return orphanPage.parse(await (await running.call("GET", "/v1/orphans")).json());
}

describe("C13, C14: the fleet over HTTP", () => {
  test("orphans are listed, adopted and destroyed; the policy is the provider's; sweeps are seen", async () => {
    const { deploymentId } = running.server.control;
    const tags = [`provost:${deploymentId}`, "provost-instance:in_gone"];
    const { first_id: first } = running.sandbox.populate({ count: 3, tags });
    await vi.waitFor(async () => expect((await orphans()).items).toHaveLength(3), { timeout: 15_000, interval: 100 });
    const adopted = await running.call("POST", `/v1/orphans/sandbox/${first}/adopt`, { name: "found-1" });
    expect(adopted.status).toBe(201);
    const instance = instanceSchema.parse(await adopted.json());
    expect(adopted.headers.get("location")).toBe(`/v1/instances/${instance.id}`);
    expect(instance).toMatchObject({ name: "found-1", providerId: String(first) });
    const destroyed = await running.call("DELETE", `/v1/orphans/sandbox/${first + 1}`);
    expect(destroyed.status).toBe(202);
    expect(orphanSchema.parse(await destroyed.json()).destroying).toBe(true);
    await vi.waitFor(async () => expect((await orphans()).items).toHaveLength(1), { timeout: 15_000, interval: 100 });
    const policy = await running.call("PUT", "/v1/providers/sandbox/orphan-policy", { policy: "ours" });
    expect(providerSchema.parse(await policy.json()).orphans).toBe("ours");
    const { items } = sweepList.parse(await (await running.call("GET", "/v1/sweeps")).json());
    expect(items).toMatchObject([{ provider: "sandbox", complete: { pages: 1, lines: 1 } }]);
    const released = await running.call("POST", "/v1/instances/found-1/release");
    expect(instanceSchema.parse(await released.json()).status).toBe("released");
  });

  test.each([
    ["DELETE", "/v1/orphans/sandbox/1", undefined, 404, "orphan_not_found"],
    ["GET", "/v1/orphans?provider=nowhere", undefined, 404, "provider_not_found"],
    ["POST", "/v1/instances/adopt", { provider: "sandbox", providerId: "1" }, 404, "server_not_found"],
    ["POST", "/v1/instances/adopt", { provider: "sandbox" }, 400, "invalid_request"],
    ["PUT", "/v1/providers/sandbox/orphan-policy", { policy: "all" }, 400, "invalid_request"],
    ["POST", "/v1/instances/nothing-1/release", undefined, 404, "instance_not_found"],
  ])("%s %s is refused with its reason", async (method, path, body, status, code) => {
    const answer = await running.call(method, path, body);
    expect(answer.status).toBe(status);
    expect(problemSchema.parse(await answer.json()).code).toBe(code);
  });
});
