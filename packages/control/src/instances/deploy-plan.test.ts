import type { Catalog } from "@provost/contract";
import { describe, expect, test } from "vitest";
import { Account } from "../accounts/account.ts";
import { LinodeProvider } from "../providers/linode/linode.ts";
import { checkedRequest, planned } from "./deploy-plan.ts";

const type = { vcpus: 1, monthlyUsd: 5, hourlyUsd: 0.0075 };
const catalog: Catalog = {
  asOf: "2026-11-22T10:00:00.000Z",
  regions: [
    { id: "eu-1", label: "Europe" },
    { id: "us-1", label: "America" },
  ],
  types: [
    { ...type, id: "small", label: "S", memoryMb: 1_024, diskGb: 10 },
    { ...type, id: "middle", label: "M", memoryMb: 2_048, diskGb: 25 },
    { ...type, id: "large", label: "L", memoryMb: 4_096, diskGb: 80, soldOutIn: ["eu-1"] },
    {
      ...type,
      id: "shared",
      label: "Disk of the pool",
      memoryMb: 1_024,
      diskGb: 0,
      regionPrices: { "eu-1": { monthlyUsd: 7 } },
    },
  ],
  images: [
    { id: "debian", label: "Debian", kind: "public", sizeMb: 1_500 },
    { id: "golden", label: "Ours", kind: "golden", sizeMb: 20_000 },
  ],
};

describe("C7: a deploy is checked against the catalog before any call", () => {
  const account = new Account(
    "a",
    1,
    new LinodeProvider({ endpoint: "http://127.0.0.1:1", token: "t", requestTimeoutMs: 1 }),
    {
      run: (fn) => fn({}),
    },
  );
  const baked = new Map([["golden-1", "golden"]]);

  function plan(choice: { region?: string; type?: string; image?: string }) {
    const asked: number[] = [];
    const providers = {
      catalogOf: async (_account: Account, maxAgeMs?: number) => {
        asked.push(maxAgeMs ?? -1);
        return catalog;
      },
      bakedImageId: async (_name: string, ref: string) => baked.get(ref),
    };
    const request = checkedRequest({ name: "web-1", provider: "a", ...choice });
    return planned(providers, { row: { name: "a", defaults: { region: "us-1", type: "middle" } }, account }, request);
  }

  test("the account's golden image is the default; one of ours has a name; prices come with the plan", async () => {
    expect(await plan({})).toEqual({
      region: "us-1",
      type: "middle",
      image: "golden",
      monthlyUsd: 5,
      hourlyUsd: 0.0075,
    });
    expect(await plan({ image: "golden-1" })).toMatchObject({ image: "golden" });
    const abroad = await plan({ image: "debian", type: "shared", region: "eu-1" });
    expect(abroad).toMatchObject({ type: "shared", monthlyUsd: 7, hourlyUsd: undefined });
  });

  test.each<[{ region?: string; type?: string; image?: string }, object]>([
    [{ type: "smal" }, { code: "type_not_found", field: "type", message: expect.stringContaining("small") }],
    [{ region: "mars" }, { code: "region_not_found", field: "region", message: expect.stringContaining("eu-1") }],
    [{ image: "golden-2" }, { code: "image_not_found", field: "image", message: expect.stringContaining("debian") }],
    [
      { type: "large", region: "eu-1", image: "debian" },
      { code: "type_not_in_region", field: "type", message: expect.stringMatching(/It is in us-1;/) },
    ],
    [
      { type: "small" },
      { code: "image_too_large", field: "type", message: expect.stringMatching(/20000 MB.*10 GB.*middle, large/) },
    ],
  ])("%o is refused with what would do", async (choice, refusal) => {
    await expect(plan(choice)).rejects.toMatchObject(refusal);
  });
});
