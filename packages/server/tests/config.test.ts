import { ProvostError } from "@provost/contract";
import { describe, expect, test } from "vitest";
import { readConfig } from "../src/index.ts";

function refusal(env: Record<string, string>): ProvostError {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ProvostError) return error;
    throw error;
  }
  return expect.unreachable("the configuration was accepted");
}

describe("configuration", () => {
  test("defaults: SQLite in the data folder, loopback, a port of our choice", () => {
    const config = readConfig({});
    expect(config.dataFolder).toBe(`${process.cwd()}/.provost`);
    expect(config.database).toMatchObject({ kind: "sqlite", file: `${process.cwd()}/.provost/provost.db` });
    expect(config).toMatchObject({ host: "127.0.0.1", port: undefined, logLevel: "info", timings: {} });
  });

  test("a flag beats its variable", () => {
    const config = readConfig({ PROVOST_DATA: "/a", PROVOST_PORT: "1000" }, { data: "/b", port: "2000" });
    expect(config).toMatchObject({ dataFolder: "/b", port: 2000 });
  });

  test("durations, addresses, keys", () => {
    const config = readConfig({
      PROVOST_PROVISION_TIMEOUT: "90s",
      PROVOST_LOOK_EVERY: "250ms",
      PROVOST_WATCHDOG_EVERY: "1.5m",
      PROVOST_AUDIT_KEPT: "400d",
      PROVOST_CALLBACK_LISTEN: "[fd00::1]:4511",
      PROVOST_CALLBACK_URL: "https://provost.example.com/",
      PROVOST_CALLBACK_ALLOW_HTTP: "true",
      PROVOST_BASE_PATH: "/ops/provost/",
      PROVOST_TRUST_PROXY: "127.0.0.1, 10.0.0.0/8,fd00::/8",
      PROVOST_SECRET_KEY: "ab".repeat(32),
    });
    expect(config.timings).toEqual({
      provisionMaxMs: 90_000,
      lookEveryMs: 250,
      watchdogEveryMs: 90_000,
      auditKeptMs: 400 * 86_400_000,
    });
    expect(config.callback).toEqual({
      listen: { host: "fd00::1", port: 4511 },
      url: "https://provost.example.com",
      allowHttp: true,
    });
    expect(config.secretKey).toHaveLength(32);
    expect(config.basePath).toBe("/ops/provost");
    expect(config.trustedProxies).toEqual(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);
  });

  test.each([
    ["PROVOST_PORT", "http"],
    ["PROVOST_PORT", "70000"],
    ["PROVOST_CALLBACK_URL", "ftp://files"],
    ["PROVOST_CALLBACK_LISTEN", "10.0.0.1"],
    ["PROVOST_CALLBACK_ALLOW_HTTP", "yes"],
    ["PROVOST_PROVISION_TIMEOUT", "15"],
    ["PROVOST_LOOK_EVERY", "0s"],
    ["PROVOST_WATCHDOG_EVERY", "often"],
    ["PROVOST_AUDIT_KEPT", "1h"],
    ["PROVOST_LOG_LEVEL", "loud"],
    ["PROVOST_DATABASE", "mysql://host/name"],
    ["PROVOST_BASE_PATH", "provost"],
    ["PROVOST_BASE_PATH", "/a b"],
    ["PROVOST_BASE_PATH", "/../etc"],
    ["PROVOST_TRUST_PROXY", "proxy.example"],
    ["PROVOST_TRUST_PROXY", "10.0.0.0/33"],
  ])("%s=%s is refused with the variable, the value and the way out (issue 2, line 8)", (variable, value) => {
    const error = refusal({ [variable]: value });
    expect(error.code).toBe("config_invalid");
    expect(error.field).toBe(variable);
    expect(error.message).toContain(`"${value}"`);
    expect(error.message).toMatch(/give/);
    expect(error.message).not.toContain("\n");
  });

  test.each([
    ["PROVOST_DATABASE", "mysql://root:hunter2@host/name"],
    ["PROVOST_DATABASE", "postgres://root:hunter2@host"],
    ["PROVOST_DATABASE", "postgres://root:hun@ter2:hunter2@host"],
    ["PROVOST_DATABASE", "mongodb://h/?password=hunter2"],
    ["PROVOST_CALLBACK_URL", "https://user:hunter2@host/"],
    ["PROVOST_SECRET_KEY", "hunter2"],
  ])("C15 a credential in a wrong %s is not shown", (variable, value) => {
    const error = refusal({ [variable]: value });
    expect(error.code).toBe("config_invalid");
    expect(error.message).not.toMatch(/hunter2|ter2/);
  });

  test("C15 the database is shown without its password", () => {
    expect(readConfig({ PROVOST_DATABASE: "postgres://me:s3cr%2Fet@db:5432/provost" }).database.shown).toBe(
      "postgres://me@db:5432/provost",
    );
  });
});
