import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { close, listen } from "./loopback.ts";
import { CallbackCheck } from "../src/callback-check.ts";

let http: Server;
let answer: string;
let asked = 0;
let url: string;
beforeEach(async () => {
  asked = 0;
  answer = JSON.stringify({ status: "ok", version: "1", deployment: "d-ours" });
  http = createServer((_request, response) => {
    asked += 1;
    response.end(answer);
  });
  url = `http://127.0.0.1:${await listen(http)}`;
});
afterEach(async () => {
  http.closeAllConnections();
  await close(http);
});

describe("C6 the callback address is checked before a deploy", () => {
  test("a good answer is kept for 30 s, a bad one is not", async () => {
    let now = 0;
    const check = new CallbackCheck(
      () => "d-ours",
      () => now,
    );
    await check.check(url);
    now = 29_999;
    await check.check(url);
    expect(asked).toBe(1);
    now = 30_000;
    answer = "<html>";
    await expect(check.check(url)).rejects.toMatchObject({ code: "callback_unreachable" });
    await expect(check.check(url)).rejects.toThrow(/what answers there is not Provost/);
    expect(asked).toBe(3);
  });

  test.each([
    [
      "another deployment",
      () => url,
      "d-other",
      /another deployment of Provost answers there \(d-ours, this is d-other\)/,
    ],
    ["no such host", () => "http://nohost.invalid", "d-ours", /not known/],
  ])("%s is refused with the way out", async (_what, address, deployment, message) => {
    const check = new CallbackCheck(() => deployment);
    await expect(check.check(address())).rejects.toThrow(message);
  });

  test("an address where nothing listens is refused with the way out", async () => {
    const closed = createServer();
    const port = await listen(closed);
    await close(closed);
    const check = new CallbackCheck(() => "d-ours");
    await expect(check.check(`http://127.0.0.1:${port}`)).rejects.toThrow(
      /nothing listens there.*PROVOST_CALLBACK_URL/,
    );
  });
});
