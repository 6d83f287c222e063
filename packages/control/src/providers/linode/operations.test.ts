import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RateReading } from "../rate-budget.ts";
import { DocumentedApi, readFixture } from "../testing/documented-api.ts";
import { DocumentedServer } from "../testing/documented-server.ts";
import { LinodeProvider } from "./linode.ts";
import { readingOf } from "./rate.ts";

const api = new DocumentedApi(readFixture(new URL("fixtures/api.json", import.meta.url)));
const one = "/linode/instances/{linodeId}";
const documented = (name: string) => structuredClone(api.operations[name]!.answer.example) as Record<string, unknown>;
const refusal = (reason: string) => ({ status: 400, body: { errors: [{ reason }] } });

const answer = (reset: string, date?: string) => ({
  statusCode: 200,
  headers: { "x-ratelimit-reset": reset, "x-ratelimit-remaining": "-1", ...(date === undefined ? {} : { date }) },
});

let server: DocumentedServer;
let provider: LinodeProvider;

beforeEach(async () => {
  server = new DocumentedServer(api, "/v4");
  const port = await server.listen();
  provider = new LinodeProvider({ endpoint: `http://127.0.0.1:${port}`, token: "t", requestTimeoutMs: 5_000 });
});
afterEach(async () => {
  await provider.close();
  await server.close();
});

function sent(operation: string): unknown {
  const body = server.requests.findLast((request) => request.operation === operation)?.body;
  return body === undefined || body === "" ? undefined : JSON.parse(body);
}

describe("Linode's rate budget", () => {
  test("C11: each answer tells what is left of its own limit, a refused one too", async () => {
    const readings: RateReading[] = [];
    const call = { onRate: (reading: RateReading) => readings.push(reading) };
    const headers = { "x-ratelimit-limit": "1600", "x-ratelimit-remaining": "1599", "x-ratelimit-reset": "0" };
    server.answers[`GET ${one}`] = { status: 200, headers, body: documented(`GET ${one}`) };
    await provider.get("123", call);
    server.answers[`POST ${one}/boot`] = { status: 429, headers: { "retry-after": "7" }, body: { errors: [] } };
    await expect(provider.boot("123", call)).rejects.toMatchObject({ code: "provider_rate_limited", effect: "none" });
    await provider.list({ limit: 500 }, call);
    await provider.images(call);
    await provider.events(undefined, call);
    expect(readings).toEqual([
      { bucket: "other", refused: false, limit: 1_600, remaining: 1_599, resetInMs: 0 },
      { bucket: "other", refused: true, retryAfterMs: 7_000 },
      { bucket: "collections", refused: false },
      { bucket: "images", refused: false },
      { bucket: "collections", refused: false },
    ]);
    const buckets = provider.capabilities.rateBuckets.map(({ name }) => name);
    for (const { bucket } of readings) expect(buckets).toContain(bucket);
  });

  test("C11: the reset is reckoned on Linode's own clock, and no header can stretch it", () => {
    // Ours is an hour ahead.
    const now = 3_600_000 + 60_000;
    const date = "Thu, 01 Jan 1970 00:01:00 GMT";
    expect(readingOf(answer("75", date), "other", now)).toEqual({ bucket: "other", refused: false, resetInMs: 15_000 });
    expect(readingOf(answer("3675"), "other", now)).toMatchObject({ resetInMs: 15_000 });
    expect(readingOf(answer("10", date), "other", now)).toMatchObject({ resetInMs: 0 });
    expect(readingOf(answer("999999999", date), "other", now)).toMatchObject({ resetInMs: 900_000 });
    expect(readingOf(answer("soon", date), "other", now)).not.toHaveProperty("resetInMs");
  });
});

describe("Linode's changes", () => {
  test("C9: a resize to the plan that it has is no error; any other refusal is", async () => {
    server.answers[`POST ${one}/resize`] = refusal("Linode is already running this service plan.");
    await provider.resize("123", "g6-standard-1", {});
    expect(sent(`POST ${one}/resize`)).toEqual({
      type: "g6-standard-1",
      allow_auto_disk_resize: true,
      migration_type: "cold",
    });
    await expect(provider.resize("123", "g6-standard-2", {})).rejects.toMatchObject({ code: "provider_rejected" });
    server.answers[`POST ${one}/resize`] = refusal("Linode busy.");
    await expect(provider.resize("123", "g6-standard-1", {})).rejects.toMatchObject({ code: "provider_busy" });
  });

  test("C3: backups that are on already are no error", async () => {
    server.answers[`POST ${one}/backups/enable`] = refusal("Backups are already enabled.");
    await provider.enableBackups("123", {});
    const off = { ...documented(`GET ${one}`), backups: { enabled: false } };
    server.answers[`GET ${one}`] = { status: 200, body: off };
    await expect(provider.enableBackups("123", {})).rejects.toMatchObject({ code: "provider_rejected" });
  });

  test("C3: a backup can be restored once it has ended well and is not withheld", async () => {
    const words = { successful: "available", failed: "failed", userAborted: "failed", needsPostProcessing: "pending" };
    for (const [status, meaning] of Object.entries(words)) {
      const made = { ...documented(`POST ${one}/backups`), status };
      server.answers[`POST ${one}/backups`] = { status: 200, body: made };
      expect((await provider.snapshot("123", "one", {})).status).toBe(meaning);
    }
    const withheld = { ...documented(`POST ${one}/backups`), status: "successful", available: false };
    server.answers[`POST ${one}/backups`] = { status: 200, body: withheld };
    expect((await provider.snapshot("123", "one", {})).status).toBe("pending");
    await provider.restore("123", "99", {});
    expect(sent(`POST ${one}/backups/{backupId}/restore`)).toEqual({ linode_id: 123, overwrite: true });
  });

  test("C13: adopting writes our tags and releasing takes them off; other tags stay", async () => {
    const tags = ["web", "provost:d-old", "provost-instance:in_old"];
    server.answers[`GET ${one}`] = { status: 200, body: { ...documented(`GET ${one}`), tags } };
    await provider.setOwner("123", { deployment: "d-1", instance: "in_1" }, {});
    expect(sent(`PUT ${one}`)).toEqual({ tags: ["web", "provost:d-1", "provost-instance:in_1"] });
    await provider.setOwner("123", undefined, {});
    expect(sent(`PUT ${one}`)).toEqual({ tags: ["web"] });
  });

  test("C10, C13: a page is asked for by id, up to the shard's end, and by our tag", async () => {
    await provider.list({ limit: 9_999, cursor: "7", until: "900", deployment: "d-1" }, {});
    await provider.list({ limit: 1 }, {});
    const filters = server.requests.map(({ headers }) => JSON.parse(String(headers["x-filter"])) as unknown);
    const order = { "+order_by": "id", "+order": "asc" };
    expect(filters).toEqual([
      { "+and": [{ id: { "+gt": 7 } }, { id: { "+lte": 900 } }, { tags: "provost:d-1" }], ...order },
      order,
    ]);
    expect(server.requests.map(({ url }) => url.split("?")[1])).toEqual([
      "page=1&page_size=500",
      "page=1&page_size=25",
    ]);
  });
});

describe("Linode's images", () => {
  const spec = { name: "base-7", deployment: "d-1", golden: true };

  test("C2: an image is made of the largest disk that is no swap, marked as ours and golden", async () => {
    const disk = { id: 1, size: 512, filesystem: "swap", status: "ready" };
    const data = [disk, { ...disk, id: 2, filesystem: "ext4" }, { ...disk, id: 3, size: 9_000, filesystem: "ext4" }];
    server.answers[`GET ${one}/disks`] = { status: 200, body: { data, page: 1, pages: 1 } };
    await provider.imageFrom("123", spec, {});
    expect(sent("POST /images")).toEqual({
      disk_id: 3,
      label: "base-7",
      description: "provost:d-1 provost-golden",
      cloud_init: true,
    });
    server.answers[`GET ${one}/disks`] = { status: 200, body: { data: [disk], page: 1, pages: 1 } };
    await expect(provider.imageFrom("123", spec, {})).rejects.toMatchObject({ code: "provider_rejected" });
    expect(server.requests.filter(({ operation }) => operation === "POST /images")).toHaveLength(1);
  });

  test("C4: an image whose answer was lost is met by name and deployment, and only ours", async () => {
    const image = { id: "private/7", label: "base-7", is_public: false, status: "creating" };
    const ours = { ...image, description: "provost:d-1 provost-golden" };
    const data = [{ ...image, id: "private/6", description: "provost:d-10" }, ours];
    server.answers["GET /images"] = { status: 200, body: { data, page: 1, pages: 1 } };
    expect(await provider.findImage(spec, {})).toEqual({
      id: "private/7",
      label: "base-7",
      kind: "golden",
      status: "creating",
    });
    expect(await provider.findImage({ ...spec, deployment: "d-2" }, {})).toBeUndefined();
    expect(await provider.images({})).toEqual([]);
  });

  test("C2: an image that is gone is undefined, and deleting it is no error", async () => {
    const gone = { status: 404, body: { errors: [{ reason: "Not found" }] } };
    server.answers["GET /images/{imageId}"] = gone;
    server.answers["DELETE /images/{imageId}"] = gone;
    expect(await provider.image("private/7", {})).toBeUndefined();
    await provider.deleteImage("private/7", {});
    expect(server.requests.at(-1)?.url).toBe("/images/private%2F7");
  });
});
