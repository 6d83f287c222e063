import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { CallbackClient, type CallbackOutcome } from "./callback-client.ts";

let server: Server;
let client: CallbackClient;

afterEach(async () => {
  client.close();
  server.close();
  server.closeAllConnections();
  await once(server, "close");
});

/** Posts once to a throwaway server that answers as told. */
async function post(listener: RequestListener, timeoutMs?: number, token = "tok"): Promise<CallbackOutcome> {
  server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  client = new CallbackClient(2, timeoutMs);
  return client.post(`http://127.0.0.1:${port}/cb`, token, { stage: "booting" });
}

describe("one report, one attempt (C6)", () => {
  test.each<[number, string]>([
    [200, "accepted"],
    [202, "accepted"],
    [401, "stop"],
    [404, "stop"],
    [410, "stop"],
    [302, "retry"],
    [400, "retry"],
    [429, "retry"],
    [500, "retry"],
  ])("%i means %s", async (status, kind) => {
    const outcome = await post((_request, response) => response.writeHead(status, { location: "/else" }).end("{}"));
    expect(outcome.kind).toBe(kind);
  });

  test("a server that never answers is left after the timeout", async () => {
    expect(await post(() => {}, 30)).toEqual({ kind: "retry", detail: "no answer within 30 ms" });
  });

  test("a server that never stops answering is cut off; its status counts", async () => {
    const outcome = await post((_request, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write("x".repeat(16_384), more);
      };
      more();
    });
    expect(outcome).toEqual({ kind: "accepted" });
  });

  test("a token that no header can carry ends it, and is not in the reason", async () => {
    const outcome = await post((_request, response) => response.end(), undefined, "to\u0001ken");
    expect(outcome.kind).toBe("stop");
    expect(JSON.stringify(outcome)).not.toContain("to\\u0001ken");
  });
});
