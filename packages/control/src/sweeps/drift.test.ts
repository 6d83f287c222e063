import { describe, expect, test } from "vitest";
import type { ProviderInstance } from "../providers/provider.ts";
import { changeOf, type KnownInstance } from "./drift.ts";

const row: KnownInstance = {
  id: "in_1",
  provider_id: "100",
  provider_name: "web-1",
  region: "us-east",
  type: "small",
  monthly_usd: 5,
  status: "running",
  task: null,
  observed_status: "running",
  observed_text: "running",
  ipv4: '["192.0.2.1"]',
  ipv6: "[]",
  archived_at: null,
  accepted_at: 1,
  observed_at: 1,
  observed_backups: 1,
  absent_sweep: null,
};
const seen: ProviderInstance = {
  id: "100",
  name: "web-1",
  status: "running",
  statusText: "running",
  region: "us-east",
  type: "small",
  ipv4: ["192.0.2.1"],
  ipv6: [],
  backups: true,
};

describe("changes made elsewhere (C13)", () => {
  test("a reading that says nothing new writes nothing", () => {
    expect(changeOf(row, seen)).toMatchObject({ isNew: false, told: undefined });
    expect(changeOf({ ...row, status: "provisioned" }, seen).isNew).toBe(false);
  });

  test("power, plan, name, backups and addresses are taken over and told in one event", () => {
    const change = changeOf(row, {
      ...seen,
      name: "renamed",
      status: "stopped",
      statusText: "offline",
      type: "large",
      ipv4: ["192.0.2.9"],
      backups: false,
    });
    expect(change.columns).toMatchObject({
      status: "stopped",
      type: "large",
      provider_name: "renamed",
      observed_backups: 0,
    });
    expect(change.told).toEqual({
      kind: "changed",
      message:
        "changed elsewhere: it is stopped now; plan small → large; name web-1 → renamed; daily backups are OFF; IPv4 192.0.2.1 → 192.0.2.9",
    });
  });

  test.each(["deploy", "destroy"] as const)("not while a task is under way: %s", (task) => {
    const change = changeOf(
      { ...row, task },
      { ...seen, name: "x", type: "large", status: "stopped", statusText: "off" },
    );
    expect(change.told).toBeUndefined();
    expect(change.columns).toMatchObject({ status: "running", type: "small", provider_name: "web-1" });
    expect(change.columns.observed_status).toBe("stopped");
  });

  test("words on the way change what the provider is quoted with, not the status", () => {
    const change = changeOf(row, { ...seen, status: "rebooting", statusText: "rebooting" });
    expect(change.columns.status).toBe("running");
    expect(change.told).toBeUndefined();
  });

  test("`provisioned` until it is seen stopped; then what is seen", () => {
    const stopped = { ...seen, status: "stopped", statusText: "offline" } as const;
    expect(changeOf({ ...row, status: "provisioned" }, stopped).columns.status).toBe("stopped");
    expect(changeOf({ ...row, status: "stopped", observed_status: "stopped" }, seen).columns.status).toBe("running");
  });

  test("what a provider does not say is no change, and what it says first is none either", () => {
    const { backups: _backups, ...silent } = seen;
    expect(changeOf(row, silent).isNew).toBe(false);
    expect(changeOf(row, { ...seen, ipv4: [] }).told).toBeUndefined();
    expect(changeOf({ ...row, observed_backups: null }, seen).told).toBeUndefined();
  });

  test("one that was missing and is shown again is taken back", () => {
    expect(changeOf({ ...row, status: "missing" }, seen)).toMatchObject({
      columns: { status: "running" },
      told: { kind: "returned", message: "The provider shows it again, as running" },
    });
  });

  test("one that a page did not show and another does is absent no more, untold", () => {
    expect(changeOf({ ...row, absent_sweep: 3 }, seen)).toMatchObject({ isNew: true, told: undefined });
  });
});
