import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { healthSchema, problemSchema } from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { acceptedEncodings, withBase } from "../src/dashboard/site.ts";
import { Running } from "./running.ts";

const script = `export const words = ${JSON.stringify("provost ".repeat(500))};\n`;
const styles = `body { color: black }\n${"/* long */".repeat(200)}`;
const html = `<!doctype html><html lang="en"><head>\n<base href="/" />\n<script type="module" src="./assets/main-abc123.js"></script></head><body></body></html>`;

let folder: string;
let running: Running;
let prefixed: Running;

function build(page = html): void {
  mkdirSync(join(folder, "assets"), { recursive: true });
  writeFileSync(join(folder, "assets/main-abc123.js"), script);
  writeFileSync(join(folder, "assets/style-abc123.css"), styles);
  // What lies beside it in gzip is sent as it is: told by the words in it.
  writeFileSync(join(folder, "assets/style-abc123.css.gz"), gzipSync("body { color: red }"));
  writeFileSync(join(folder, "favicon.svg"), "<svg/>");
  writeFileSync(join(folder, "index.html"), page);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "provost-dashboard-"));
  const missing = join(folder, "none-yet");
  build();
  running = await Running.start({ PROVOST_DASHBOARD: folder });
  prefixed = await Running.start({ PROVOST_DASHBOARD: missing, PROVOST_BASE_PATH: "/ops/provost/" });
  folder = missing;
});
afterAll(async () => {
  await running.stop();
  await prefixed.stop();
  rmSync(join(folder, ".."), { recursive: true, force: true });
});

const browser = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

/** As it is on the wire: fetch would decode it, and mend a path. */
function raw(of: Running, path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }>((resolve, reject) => {
    request(of.server.url, { path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    })
      .on("error", reject)
      .end();
  });
}

describe("the page", () => {
  test.each([
    "/",
    "/instances",
    "/jobs/queues?state=failed",
    "/jobs/schedules/sweep.feeds",
    "/instances/in_0123/settings",
    "/v1",
  ])("%s is the page for a browser, without a token", async (path) => {
    const answer = await raw(running, path, browser);
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(answer.headers["cache-control"]).toBe("no-cache");
    expect(answer.body.toString()).toContain("main-abc123.js");
  });

  test("C15: its policy lets nothing in from elsewhere, and nothing run that is not a file of it", async () => {
    const policy = String((await raw(running, "/", browser)).headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });

  test("programs that ask for / are led to the reference, as ever", async () => {
    for (const headers of [{}, { accept: "application/json" }, { accept: "*/*" }]) {
      const answer = await raw(running, "/", headers);
      expect([answer.status, answer.headers.location]).toEqual([302, "/reference/"]);
    }
  });

  test.each(["/v1/nothing", "/v1/instances/x/nothing"])("%s is the API's: closed, and a problem", async (path) => {
    expect((await raw(running, path, browser)).status).toBe(401);
    const answer = await running.call("GET", path, undefined, browser);
    expect(problemSchema.parse(await answer.json()).code).toBe("route_not_found");
  });

  test.each([
    "/assets/main-gone.js",
    "/favicon.ico",
    "/../package.json",
    "/assets/../../secret.txt",
    "/%2e%2e/package.json",
    "/assets/%2e%2e%2findex.html.bak",
    "/%E0%A4%A",
  ])("%s is nothing, and never the page", async (path) => {
    const answer = await raw(running, path, path.includes("%E0") ? {} : browser);
    expect([400, 404]).toContain(answer.status);
    expect(answer.body.toString()).not.toContain("<html");
  });

  test("hashed files are for ever, others are asked for again by their etag", async () => {
    const asset = await raw(running, "/assets/main-abc123.js");
    expect(asset.headers).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
    });
    expect(asset.body.toString()).toBe(script);
    const icon = await raw(running, "/favicon.svg");
    expect(icon.headers["cache-control"]).toBe("no-cache");
    const again = await raw(running, "/favicon.svg", { "if-none-match": String(icon.headers.etag) });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    const head = await running.call("HEAD", "/assets/main-abc123.js", undefined, { "accept-encoding": "identity" });
    expect(head.headers.get("content-length")).toBe(String(script.length));
  });

  test("it is compressed, by what lies beside it or once here, where the client takes that", async () => {
    const brotli = await raw(running, "/assets/main-abc123.js", { "accept-encoding": "gzip, deflate, br" });
    expect(brotli.headers).toMatchObject({ "content-encoding": "br", vary: "accept-encoding" });
    expect(brotliDecompressSync(brotli.body).toString()).toBe(script);
    expect(brotli.body.length).toBeLessThan(script.length / 10);
    const zipped = await raw(running, "/assets/main-abc123.js", { "accept-encoding": "gzip, br;q=0" });
    expect(gunzipSync(zipped.body).toString()).toBe(script);
    const beside = await raw(running, "/assets/style-abc123.css", { "accept-encoding": "gzip" });
    expect(gunzipSync(beside.body).toString()).toBe("body { color: red }");
    expect(
      (await raw(running, "/favicon.svg", { "accept-encoding": "br" })).headers["content-encoding"],
    ).toBeUndefined();
  });

  test.each<[string | undefined, string[]]>([
    [undefined, []],
    ["br, gzip", ["br", "gzip"]],
    ["gzip;q=1.0, br;q=0.000, *", ["gzip"]],
    ["GZIP", ["gzip"]],
  ])("Accept-Encoding %s", (header, encodings) => {
    expect(acceptedEncodings(header)).toEqual(encodings);
  });
});

describe("under a path", () => {
  test("without a build it says which command makes one; a build shows without a restart", async () => {
    const before = await raw(prefixed, "/ops/provost/", browser);
    expect(before.status).toBe(503);
    expect(before.body.toString()).toContain("npm run build:dashboard");
    expect(before.body.toString()).toContain('href="/ops/provost/reference/"');
    build();
    await vi.waitFor(
      async () => {
        const after = await raw(prefixed, "/ops/provost/", browser);
        expect(after.status).toBe(200);
        expect(after.body.toString()).toContain('<base href="/ops/provost/" />');
      },
      { timeout: 10_000, interval: 100 },
    );
    build(html.replace("</body>", "newer</body>"));
    utimesSync(join(folder, "index.html"), new Date(), new Date(Date.now() + 5_000));
    await vi.waitFor(
      async () => expect((await raw(prefixed, "/ops/provost/x", browser)).body.toString()).toContain("newer"),
      { timeout: 10_000, interval: 100 },
    );
  });

  test("page, files, API, cookie and the addresses that answers name are under it; without it the API answers too", async () => {
    build();
    for (const path of ["/ops/provost", "/ops/provost/instances"]) {
      await vi.waitFor(async () => expect((await raw(prefixed, path, browser)).status).toBe(200), { timeout: 10_000 });
    }
    expect((await raw(prefixed, "/ops/provost/assets/main-abc123.js")).status).toBe(200);
    for (const path of ["/ops/provost/v1/health", "/v1/health"]) {
      expect(healthSchema.parse(JSON.parse((await raw(prefixed, path)).body.toString())).status).toBe("ok");
    }
    expect((await raw(prefixed, "/ops/provost/")).headers.location).toBe("/ops/provost/reference/");
    const reference = (await raw(prefixed, "/ops/provost/reference/")).body.toString();
    // Relative to the page.
    expect(reference).toContain('src="js/scalar.js"');
    expect(reference).toContain("/ops/provost/v1/openapi.json");
    expect((await raw(prefixed, "/ops/provost/reference/js/scalar.js")).status).toBe(200);
    expect((await raw(prefixed, "/ops/provost/reference")).headers.location).toBe("/ops/provost/reference/");
    const made = await prefixed.call("POST", "/ops/provost/v1/instances", { name: "under-1", provider: "sandbox" });
    expect(made.headers.get("location")).toMatch(/^\/ops\/provost\/v1\/instances\/in_/);
    const signedIn = await prefixed.call("POST", "/ops/provost/v1/session", { token: prefixed.token });
    expect(signedIn.headers.get("set-cookie")).toContain("; Path=/ops/provost; ");
    expect((await raw(prefixed, "/ops/provostly/v1/health")).status).toBe(404);
  });

  test.each([
    ['<head>\n  <base href="/" />\n  <title>', '<head>\n    <base href="/x/" />\n  <title>'],
    ['<head lang="en"><title>', '<head lang="en">\n    <base href="/x/" /><title>'],
  ])("the page is told where it lies: %s", (page, told) => {
    expect(withBase(page, "/x")).toContain(told);
  });
});
