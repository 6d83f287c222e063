import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Receiver } from "./receiver.ts";
import { AddressRule } from "../src/webhooks/address-rule.ts";
import { Postman, type Answer } from "../src/webhooks/postman.ts";

const body = JSON.stringify({ type: "webhook.test", timestamp: "2026-11-22T00:00:00Z", data: {} });

/** Makes the certificate of one test. */
const opensslMissing = spawnSync("openssl", ["version"]).status !== 0;

let receiver: Receiver;
const opened: Postman[] = [];
beforeAll(async () => {
  receiver = await Receiver.start();
});
afterAll(() => receiver.stop());
afterEach(async () => {
  receiver.received.length = 0;
  receiver.answer = (_received, response) => response.writeHead(204).end();
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

/** @param lookups what each look-up of a name gives, the last one for all that follow. */
function postman(allowed: string[], lookups: string[][] = [], timeoutMs = 5_000): Postman {
  const left = [...lookups];
  const made = new Postman({
    rule: new AddressRule(allowed),
    timeoutMs,
    resolve: async () => {
      const found = left.length > 1 ? left.shift() : left[0];
      return (found ?? []).map((address) => ({ address, family: isIP(address) }));
    },
  });
  opened.push(made);
  return made;
}

function send(by: Postman, url: string): Promise<Answer> {
  return by.deliver(new URL(url), { "webhook-id": "dl_1" }, body, new AbortController().signal);
}

describe("C15: no webhook reaches an address that is not allowed", () => {
  test.each(["127.0.0.1", "[::1]", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "0"])(
    "written as %s",
    async (host) => {
      const answer = await send(postman([]), `https://${host}:${receiver.port}/`);
      expect(answer).toMatchObject({ taken: false, text: expect.stringContaining("PROVOST_WEBHOOK_ALLOW") });
      expect(answer.status).toBeUndefined();
      expect(receiver.received).toEqual([]);
    },
  );

  test.each([[["127.0.0.1"]], [["1.1.1.1", "10.0.0.1"]], [["fd00::1", "2606:4700::1111"]], [["169.254.169.254"]]])(
    "behind a name that is %j",
    async (addresses) => {
      const url = `https://hooks.example.com:${receiver.port}/`;
      expect(await send(postman([], [addresses]), url)).toMatchObject({
        taken: false,
        text: expect.stringContaining("no public address"),
      });
      expect(await postman([], [addresses]).refusal(new URL(url))).toContain("no public address");
      expect(receiver.received).toEqual([]);
    },
  );

  test("behind a name that is public when it is checked and loopback when it is called (DNS rebinding)", async () => {
    const rebinding = postman([], [["1.1.1.1"], ["127.0.0.1"]]);
    const url = new URL(`https://hooks.example.com:${receiver.port}/`);
    expect(await rebinding.refusal(url)).toBeUndefined();
    expect(await send(rebinding, url.href)).toMatchObject({ taken: false, text: expect.stringContaining("127.0.0.1") });
    expect(receiver.received).toEqual([]);
  });

  test("without TLS to a public address", async () => {
    const answer = await send(postman([], [["1.1.1.1"]]), "http://hooks.example.com/");
    expect(answer).toMatchObject({ taken: false, text: expect.stringContaining("https only") });
  });

  test("the connection goes to the address that was checked, under the name that was asked for", async () => {
    // The name exists nowhere: only the checked address can have led here.
    const answer = await send(postman(["127.0.0.1"], [["127.0.0.1"]]), `http://hooks.invalid:${receiver.port}/in?a=1`);
    expect(answer).toMatchObject({ taken: true, status: 204 });
    expect(receiver.received).toMatchObject([
      { path: "/in?a=1", headers: { host: `hooks.invalid:${receiver.port}`, "webhook-id": "dl_1" } },
    ]);
  });
});

describe("what counts as taken", () => {
  test.each([
    [200, true],
    [201, true],
    [299, true],
    [301, false],
    [400, false],
    [410, false],
    [500, false],
  ])("%i: %s", async (status, taken) => {
    receiver.answer = (_received, response) => response.writeHead(status).end("because");
    expect(await send(postman(["127.0.0.1"]), receiver.url)).toMatchObject({
      taken,
      status,
      text: expect.stringContaining("because"),
    });
  });

  test("a redirect is not followed", async () => {
    const other = await Receiver.start();
    receiver.answer = (_received, response) => response.writeHead(307, { location: other.url }).end();
    const answer = await send(postman(["127.0.0.1"]), receiver.url);
    expect(answer).toMatchObject({ taken: false, status: 307, text: expect.stringContaining("not followed") });
    expect(other.received).toEqual([]);
    await other.stop();
  });

  test("an answer that does not come in time, is cut off, or has no end", async () => {
    receiver.answer = () => {};
    expect(await send(postman(["127.0.0.1"], [], 100), receiver.url)).toEqual({
      taken: false,
      text: "No answer within 0.1 s.",
    });
    receiver.answer = (_received, response) => response.destroy();
    expect(await send(postman(["127.0.0.1"]), receiver.url)).toEqual({
      taken: false,
      text: "The connection was cut off.",
    });
    receiver.answer = (_received, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write("x".repeat(1_000)));
        response.once("drain", more);
      };
      response.writeHead(200);
      more();
    };
    const endless = await send(postman(["127.0.0.1"]), receiver.url);
    expect(endless).toEqual({ taken: true, status: 200, text: "x".repeat(500) });
  });

  test("nothing that listens, and TLS that is none", async () => {
    const gone = await Receiver.start();
    const { url } = gone;
    await gone.stop();
    expect(await send(postman(["127.0.0.1"]), url)).toEqual({ taken: false, text: "Nothing listens there." });
    expect((await send(postman(["127.0.0.1"]), receiver.url.replace("http:", "https:"))).taken).toBe(false);
  });

  test.skipIf(opensslMissing)("C15: TLS is verified: a certificate that nobody signed is refused", async () => {
    const folder = mkdtempSync(join(tmpdir(), "provost-postman-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=hooks.test", "-days", "1"];
    execFileSync("openssl", ["req", ...made, "-keyout", key, "-out", cert], { stdio: "ignore" });
    const seen: string[] = [];
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      seen.push(request.url ?? "");
      response.end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const answer = await send(postman(["127.0.0.1"], [["127.0.0.1"]]), `https://hooks.test:${port}/`);
    expect(answer).toMatchObject({ taken: false, text: expect.stringMatching(/self-signed|certificate/i) });
    expect(seen).toEqual([]);
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  test("a stop in the middle is thrown on: the attempt has no outcome", async () => {
    const stop = new AbortController();
    receiver.answer = () => stop.abort(new DOMException("the server stops", "AbortError"));
    const sending = postman(["127.0.0.1"]).deliver(new URL(receiver.url), {}, body, stop.signal);
    await expect(sending).rejects.toThrow("the server stops");
  });
});
