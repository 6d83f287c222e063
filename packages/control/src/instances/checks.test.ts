import { describe, expect, test } from "vitest";
import { instanceId, providerName } from "../ids.ts";
import { defaultTimings, type CallbackAddress } from "../options.ts";
import { callbackBase } from "./callback-url.ts";
import { checkedSshKey } from "./ssh-key.ts";
import { nextLookMs, overdue, type Provision } from "./verdict.ts";

describe("C7: overdue", () => {
  const row: Provision = {
    task: "deploy",
    archived_at: null,
    builder_of: null,
    accepted_at: 1_000,
    active_at: null,
    unknown_since: null,
    provider_id: "7",
    stage: 0,
  };
  const end = 1_000 + defaultTimings.provisionMaxMs;

  test.each<[Partial<Provision>, number, string | undefined]>([
    [{}, end - 1, undefined],
    [{}, end, "boot_stuck"],
    [{ active_at: 2_000 }, end, "callback_missing"],
    [{ stage: 1 }, end, "callback_missing"],
    // It has reported ready: our own jobs may be late, it is not.
    [{ stage: 3 }, end * 10, undefined],
    [{ task: null }, end, undefined],
    [{ task: "destroy" }, end, undefined],
    [{ archived_at: 1 }, end, undefined],
    // Waiting for a rate budget or an unreachable provider is not on the clock.
    [{ accepted_at: null, provider_id: null }, end * 10, undefined],
    [
      { accepted_at: null, provider_id: null, unknown_since: 1_000 },
      1_000 + defaultTimings.createUnknownMaxMs - 1,
      undefined,
    ],
    [
      { accepted_at: null, provider_id: null, unknown_since: 1_000 },
      1_000 + defaultTimings.createUnknownMaxMs,
      "create_unknown",
    ],
  ])("%o at %i: %s", (change, now, code) => {
    expect(overdue({ ...row, ...change }, now, defaultTimings)).toBe(code);
  });

  test("looks grow apart, within their bounds and the clock", () => {
    const looks = [0, 1_000, 10_000, 100_000].map((since) => nextLookMs(since, 900_000, defaultTimings));
    expect(looks).toEqual([300, 1_000, 10_000, 30_000]);
    expect(nextLookMs(100_000, 50, defaultTimings)).toBe(50);
    expect(nextLookMs(100_000, -5, defaultTimings)).toBe(1);
  });

  test("C7: at the default pace the looks last as long as the clock", () => {
    let at = 0;
    for (let look = 0; look < defaultTimings.looksMax; look += 1) at += nextLookMs(at, 1e9, defaultTimings);
    expect(at).toBeGreaterThan(0.9 * defaultTimings.provisionMaxMs);
  });
});

const account = (callbackUrl: string | undefined, endpoint = "http://127.0.0.1:9") => ({
  name: "acme",
  endpoint,
  callbackUrl,
});

describe("C6: the callback address", () => {
  const asked: string[] = [];
  const callback = (more: Partial<CallbackAddress>): CallbackAddress => ({
    allowHttp: true,
    check: async (url) => void asked.push(url),
    ...more,
  });

  test("C6 loopback only for a cloud on loopback: an instance elsewhere would call itself", async () => {
    const local = callback({ defaultUrl: "http://127.0.0.1:4510" });
    await callbackBase(local, account(undefined));
    for (const endpoint of ["https://api.linode.com", "/var/lib/lxd/unix.socket"]) {
      const refused = callbackBase(local, account(undefined, endpoint));
      await expect(refused).rejects.toThrow(/acme.*PROVOST_CALLBACK_URL/);
      await expect(refused).rejects.toThrow(expect.objectContaining({ code: "callback_url_refused" }));
    }
  });

  test.each([
    [{}, undefined, "callback_url_missing"],
    [{ defaultUrl: "ftp://10.0.0.1" }, undefined, "callback_url_refused"],
    [{ defaultUrl: "nonsense" }, undefined, "callback_url_refused"],
    [{ defaultUrl: "http://203.0.113.9" }, undefined, "callback_url_refused"],
    [{ defaultUrl: "http://provost.example.com" }, undefined, "callback_url_refused"],
    [{ defaultUrl: "https://u:p@provost.example.com" }, undefined, "callback_url_refused"],
    [{ defaultUrl: "http://10.0.0.1", allowHttp: false }, undefined, "callback_url_refused"],
    [{ defaultUrl: "https://ok.example.com" }, "http://8.8.8.8", "callback_url_refused"],
  ])("%o with the account's %s is %s", async (options, own, code) => {
    await expect(callbackBase(callback(options), account(own))).rejects.toThrow(expect.objectContaining({ code }));
  });

  test("https anywhere, http to private addresses, the account's own first; each is checked", async () => {
    asked.length = 0;
    const own = [
      "http://10.77.0.1:4510/",
      "http://[::1]:80",
      "http://[fd00::1]",
      "http://localhost:1",
      "https://a.example.com/base/",
    ];
    for (const url of own) await callbackBase(callback({ defaultUrl: "https://unused.example.com" }), account(url));
    expect(asked).toEqual(own.map((url) => url.replace(/\/$/, "")));
  });
});

describe("SSH keys", () => {
  const good = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZ7zvm7Q8m5yJz0m2q8xYcJ8G3y9bD0aFh1kQe1m8xV";

  test("one line, trimmed, with or without a comment", () => {
    expect(checkedSshKey(`  ${good} me@host\n`, 0)).toBe(`${good} me@host`);
    expect(checkedSshKey(good, 0)).toBe(good);
  });

  test.each([
    "",
    "hello",
    "ssh-dss AAAA",
    good.slice(0, 25),
    good.replace("ssh-ed25519", "ssh-rsa"),
    `${good}\n${good}`,
    "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n",
  ])("%j is refused, and a private key not repeated", (text) => {
    let message = "";
    try {
      checkedSshKey(text, 2);
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/SSH key 3/);
    expect(message).not.toContain("c2VjcmV0");
  });
});

describe("names and ids", () => {
  test("C4: the name at the provider is unique, fits, and has no two hyphens in a row", () => {
    const id = instanceId(1_763_000_000_000);
    expect(id).toMatch(/^in_[0-9a-z]{20}$/);
    expect(providerName("a--b", id)).toBe(`a-b-${id.slice(-8)}`);
    expect(providerName("a".repeat(40), id).length).toBeLessThanOrEqual(63);
    expect(providerName("web", instanceId(1))).not.toBe(providerName("web", instanceId(1)));
  });

  test("ids ascend with time", () => {
    expect(instanceId(1_000) < instanceId(1_001) && instanceId(1_001) < instanceId(2 ** 45)).toBe(true);
  });
});
