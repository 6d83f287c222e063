import { csrfHeader, problemSchema, sessionCookie, sessionSchema, type Session } from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressesMax, failuresMax, SignInLimit } from "../src/http/sign-in-limit.ts";
import { Running } from "./running.ts";

let running: Running;
beforeAll(async () => {
  running = await Running.start({ PROVOST_TRUST_PROXY: "127.0.0.1" });
});
afterAll(() => running.stop());

/** A request without a token of its own. */
function bare(method: string, path: string, headers: Record<string, string> = {}, body?: unknown): Promise<Response> {
  return fetch(`${running.server.url}${path}`, {
    method,
    redirect: "manual",
    headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function code(response: Response): Promise<string> {
  return problemSchema.parse(await response.json()).code;
}

async function signedIn(
  token = running.token,
  headers: Record<string, string> = {},
): Promise<{ cookie: string; set: string; session: Session }> {
  const response = await bare("POST", "/v1/session", headers, { token });
  expect(response.status).toBe(200);
  const set = response.headers.get("set-cookie") ?? "";
  return { set, cookie: set.split(";")[0] ?? "", session: sessionSchema.parse(await response.json()) };
}

describe("C15: signing in at the page", () => {
  test("a token is exchanged for a cookie that no script reads; over plain HTTP it is kept too", async () => {
    const { set, cookie, session } = await signedIn();
    expect(set).toMatch(new RegExp(`^${sessionCookie}=[\\w-]{43}; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict$`));
    expect(session).toMatchObject({ name: "admin", role: "admin" });
    const told = await bare("GET", "/v1/session", { cookie: `theme=dark; ${cookie}` });
    expect(told.headers.get("cache-control")).toBe("no-store");
    expect(sessionSchema.parse(await told.json())).toMatchObject({ id: session.id, csrf: session.csrf });
    expect((await bare("GET", "/v1/instances", { cookie })).status).toBe(200);
  });

  test("where a trusted proxy says https the cookie is Secure", async () => {
    expect((await signedIn(running.token, { "x-forwarded-proto": "https" })).set).toMatch(/; Secure$/);
    expect((await signedIn()).set).not.toContain("Secure");
  });

  test("what changes something needs the session's header; a token of its own does not", async () => {
    const { cookie, session } = await signedIn();
    const body = { name: "made-by-page", role: "viewer" };
    expect(await code(await bare("POST", "/v1/tokens", { cookie }, body))).toBe("csrf_rejected");
    expect(await code(await bare("POST", "/v1/tokens", { cookie, [csrfHeader]: "x".repeat(43) }, body))).toBe(
      "csrf_rejected",
    );
    const other = await signedIn();
    expect(await code(await bare("POST", "/v1/tokens", { cookie, [csrfHeader]: other.session.csrf }, body))).toBe(
      "csrf_rejected",
    );
    const made = await bare("POST", "/v1/tokens", { cookie, [csrfHeader]: session.csrf }, body);
    expect(made.status).toBe(201);
    expect((await running.call("DELETE", "/v1/tokens/made-by-page")).status).toBe(200);
    // A cookie beside a token changes nothing: the token is judged.
    const wrong = { cookie, authorization: "Bearer nobody" };
    expect((await bare("GET", "/v1/instances", wrong)).status).toBe(401);
  });

  test.each<[string, Record<string, string>]>([
    ["another site, by what the browser says", { "sec-fetch-site": "cross-site" }],
    ["another name of this site", { "sec-fetch-site": "same-site" }],
    ["another origin, over plain HTTP", { origin: "http://evil.example" }],
    ["no origin at all", { origin: "null" }],
  ])("a request of %s is refused, signing in too", async (_what, headers) => {
    const { cookie, session } = await signedIn();
    const whole = { cookie, [csrfHeader]: session.csrf, ...headers };
    expect(await code(await bare("DELETE", "/v1/session", whole))).toBe("csrf_rejected");
    expect(await code(await bare("POST", "/v1/session", headers, { token: running.token }))).toBe("csrf_rejected");
    expect((await bare("GET", "/v1/session", { cookie })).status).toBe(200);
  });

  test("the page's own origin is taken, by the address that was asked or by what a trusted proxy says", async () => {
    const { cookie, session } = await signedIn();
    const host = new URL(running.server.url).host;
    const own = { cookie, [csrfHeader]: session.csrf, origin: `http://${host}` };
    const elsewhere = { ...own, origin: "https://provost.example.com", "x-forwarded-host": "provost.example.com" };
    for (const headers of [own, elsewhere]) {
      expect((await bare("POST", "/v1/fleets/preview", headers, {})).status).toBe(400);
    }
  });

  test("signing out ends it; so does the end of its token, at the next request", async () => {
    const { cookie, session } = await signedIn();
    const out = await bare("DELETE", "/v1/session", { cookie, [csrfHeader]: session.csrf });
    expect(out.status).toBe(204);
    expect(out.headers.get("set-cookie")).toMatch(new RegExp(`^${sessionCookie}=; Path=/; Max-Age=0`));
    const after = await bare("GET", "/v1/session", { cookie });
    expect(after.headers.get("set-cookie")).toContain("Max-Age=0");
    expect(await code(after)).toBe("unauthenticated");
    const made = await running.call("POST", "/v1/tokens", { name: "page-user", role: "viewer" });
    const { token } = (await made.json()) as { token: string };
    const viewer = await signedIn(token);
    const refused = await bare(
      "POST",
      "/v1/instances",
      { cookie: viewer.cookie, [csrfHeader]: viewer.session.csrf },
      {},
    );
    expect(await code(refused)).toBe("forbidden");
    await running.call("DELETE", "/v1/tokens/page-user");
    expect((await bare("GET", "/v1/instances", { cookie: viewer.cookie })).status).toBe(401);
  });

  test("a live stream that a session opened ends with it", async () => {
    await running.call("POST", "/v1/instances", {
      name: "silent-1",
      provider: "sandbox",
      script: "#!/bin/sh\n# sandbox: silent\n",
    });
    const { cookie, session } = await signedIn();
    const stream = await bare("GET", "/v1/instances/silent-1/events/stream", { cookie });
    const ended = stream.text();
    await bare("DELETE", "/v1/session", { cookie, [csrfHeader]: session.csrf });
    expect(await ended).toContain('"kind":"requested"');
  });

  test("a token has no session to show or to end", async () => {
    expect(await code(await running.call("GET", "/v1/session"))).toBe("session_not_found");
    expect(await code(await running.call("DELETE", "/v1/session"))).toBe("session_not_found");
  });

  test("the audit log tells who came and went; no token and no cookie is in a log", async () => {
    const { cookie, session } = await signedIn();
    await bare("DELETE", "/v1/session", { cookie, [csrfHeader]: session.csrf });
    const answer = await running.call("GET", `/v1/audit?target=${session.id}`);
    const text = await answer.text();
    expect(text).toMatch(/"action":"session.close".*"action":"session.open"/);
    for (const log of [text, running.log()]) {
      for (const secret of [running.token, cookie.split("=")[1] ?? "", session.csrf]) expect(log).not.toContain(secret);
    }
  });
});

describe("C15: failed sign-ins", () => {
  test("after ten from one address it is told to wait; another address is not, and none of the tokens is logged", async () => {
    const from = { "x-forwarded-for": "198.51.100.7" };
    const wrong = "pvt_guessed-guessed-guessed-guessed";
    for (let tried = 0; tried < failuresMax; tried += 1) {
      expect(await code(await bare("POST", "/v1/session", from, { token: wrong }))).toBe("unauthenticated");
    }
    const late = await bare("POST", "/v1/session", from, { token: running.token });
    expect(late.status).toBe(429);
    expect(Number(late.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await code(late)).toBe("too_many_attempts");
    expect((await bare("POST", "/v1/session", {}, { token: running.token })).status).toBe(200);
    expect(running.log()).toContain("a sign-in was refused");
    expect(running.log()).not.toContain("guessed");
  });

  test("L14: the time runs out, success forgets, and fifty thousand addresses take the memory of ten thousand", () => {
    let now = 0;
    const limit = new SignInLimit(() => now);
    const attempt = (ip: string, times = 1): void => {
      for (let each = 0; each < times; each += 1) limit.begin(ip);
    };
    attempt("192.0.2.1", failuresMax);
    expect(() => attempt("192.0.2.1")).toThrow(expect.objectContaining({ code: "too_many_attempts" }));
    expect(() => attempt("::ffff:192.0.2.1")).toThrow(expect.objectContaining({ retryAfterSeconds: 300 }));
    now = 300_000;
    attempt("192.0.2.1", failuresMax);
    limit.succeeded("192.0.2.1");
    attempt("192.0.2.1");
    // One network of one customer.
    for (let host = 0; host < failuresMax; host += 1) attempt(`2001:db8:0:7::${host.toString(16)}`);
    expect(() => attempt("2001:db8:0:7:ffff::1")).toThrow();
    attempt("2001:db8:0:8::1");
    for (let each = 0; each < 50_000; each += 1) limit.begin(`a${each}`);
    expect(limit.size).toBe(addressesMax);
  });
});

test("C15: x-forwarded-… of somebody who is no trusted proxy counts for nothing", async () => {
  const other = await Running.start();
  try {
    const response = await fetch(`${other.server.url}/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-forwarded-proto": "https" },
      body: JSON.stringify({ token: other.token }),
    });
    expect(response.headers.get("set-cookie")).not.toContain("Secure");
  } finally {
    await other.stop();
  }
});
