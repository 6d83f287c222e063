import { describe, expect, test } from "vitest";
import { asCli, asCurl, quoted } from "./as-command.ts";
import { priceIn, whyNot, type Plan } from "./catalog.ts";
import { emptyOrder, faultsOf, requestOf } from "./order.ts";

const plan: Plan = {
  id: "small",
  label: "Small",
  vcpus: 1,
  memoryMb: 1_024,
  diskGb: 25,
  monthlyUsd: 5,
  hourlyUsd: 0.0075,
  regionPrices: { "br-gru": { monthlyUsd: 7 } },
  soldOutIn: ["eu-west"],
};

describe("plans", () => {
  test("some regions have prices of their own", () => {
    expect(priceIn(plan, "us-east")).toEqual({ monthlyUsd: 5, hourlyUsd: 0.0075 });
    expect(priceIn(plan, "br-gru")).toEqual({ monthlyUsd: 7, hourlyUsd: undefined });
  });

  test("those that cannot be had say why", () => {
    expect(whyNot(plan, "us-east", undefined)).toBeUndefined();
    expect(whyNot(plan, "eu-west", undefined)).toContain("Sold out in eu-west");
    const large = { id: "i", label: "i", kind: "private", sizeMb: 30_000 } as const;
    expect(whyNot(plan, "us-east", large)).toBe("The image needs 30 GB, the plan's disk has 25 GB");
    expect(whyNot({ ...plan, diskGb: 0 }, "us-east", large)).toBeUndefined();
  });
});

describe("the order", () => {
  const order = { ...emptyOrder, name: "web-1", provider: "sandbox" };

  test("what is left empty is not sent: the provider's defaults hold", () => {
    expect(requestOf(order)).toEqual({ name: "web-1", provider: "sandbox" });
  });

  test("keys by line, tags by space or comma, each once", () => {
    const { sshKeys, tags } = requestOf({
      ...order,
      sshKeys: "ssh-ed25519 A a\n\n ssh-rsa B b ",
      tags: "web, shop web",
    });
    expect(sshKeys).toEqual(["ssh-ed25519 A a", "ssh-rsa B b"]);
    expect(tags).toEqual(["web", "shop"]);
  });

  test.each([
    ["name", { name: "1web" }],
    ["name", { name: "w" }],
    ["provider", { provider: "" }],
    ["sshKeys", { sshKeys: "hello" }],
    ["script", { script: "apt-get update" }],
    ["tags", { tags: "Web" }],
  ])("%s that the server would refuse is told before", (field, changes) => {
    expect(Object.keys(faultsOf({ ...order, ...changes }))).toEqual([field]);
  });

  test("a good one has no fault", () => {
    expect(faultsOf({ ...order, sshKeys: "ssh-ed25519 AAAA me", script: "#!/bin/sh\n", tags: "team:shop" })).toEqual(
      {},
    );
  });
});

describe("the same without the page", () => {
  test("a shell sees nothing but text", () => {
    expect(quoted("web-1")).toBe("web-1");
    expect(quoted("it's; rm -rf /")).toBe(String.raw`'it'\''s; rm -rf /'`);
  });

  test("as a command", () => {
    expect(asCli({ name: "web-1", provider: "sandbox", type: "small", sshKeys: ["k"], script: "#!/bin/sh" })).toBe(
      "npx provost deploy web-1 \\\n  --provider sandbox \\\n  --type small \\\n  --ssh-key key-1.pub \\\n  --script first-boot.sh",
    );
  });

  test("as cURL", () => {
    const text = asCurl({ name: "web-1", provider: "sandbox" }, "http://127.0.0.1:4510/v1/instances");
    expect(text).toContain(`-d '{"name":"web-1","provider":"sandbox"}'`);
    expect(text).not.toContain("Bearer ey");
  });
});
