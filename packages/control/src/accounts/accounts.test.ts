import { describe, expect, test } from "vitest";
import { LinodeProvider } from "../providers/linode/linode.ts";
import type { Provider } from "../providers/provider.ts";
import { ProviderError } from "../providers/provider-error.ts";
import { Account } from "./account.ts";
import { CatalogCache } from "./catalog-cache.ts";
import { Limiter } from "./limiter.ts";
import { nearest } from "./nearest.ts";
import type { Traffic } from "./traffic.ts";

describe("Limiter (C11)", () => {
  test("runs at most so many at a time, in order, and lets go of failed ones", async () => {
    const limiter = new Limiter(3);
    const started: number[] = [];
    let most = 0;
    const calls = Array.from({ length: 20 }, (_, index) =>
      limiter.run(async () => {
        started.push(index);
        most = Math.max(most, limiter.running);
        await Promise.resolve();
        if (index % 2 === 0) throw new RangeError("odd ones only");
        return index;
      }),
    );
    const ends = await Promise.allSettled(calls);
    expect(most).toBe(3);
    expect(started).toEqual(started.toSorted((one, other) => one - other));
    expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    expect(limiter.running).toBe(0);
  });
});

/** A driver whose catalog is counted, and can be out of reach. */
function counting(): {
  provider: Provider;
  asked: () => number;
  reach: (reachable: boolean) => void;
  closed: () => number;
} {
  let asked = 0;
  let closed = 0;
  let reachable = true;
  const provider = new LinodeProvider({ endpoint: "http://127.0.0.1:1", token: "t", requestTimeoutMs: 1_000 });
  const read = async () => {
    if (!reachable) throw new ProviderError({ code: "provider_unreachable", effect: "none", message: "away" });
    return [];
  };
  Object.assign(provider, {
    regions: () => {
      asked += 1;
      return read();
    },
    types: read,
    images: read,
    close: async () => {
      closed += 1;
    },
  });
  return {
    provider,
    asked: () => asked,
    closed: () => closed,
    reach: (can) => {
      reachable = can;
    },
  };
}

/** No rules but the process' own. */
const free: Pick<Traffic, "run"> = { run: (fn) => fn({}) };

describe("CatalogCache", () => {
  test("asks once for many, keeps what is fresh, and what is stale while the provider is away", async () => {
    const driver = counting();
    const account = new Account("a", 1, driver.provider, free);
    const cache = new CatalogCache(60_000);
    await Promise.all(Array.from({ length: 10 }, () => cache.get(account)));
    await cache.get(account);
    expect(driver.asked()).toBe(1);
    driver.reach(false);
    await expect(cache.get(account, 0)).resolves.toMatchObject({ regions: [] });
    // A changed account has nothing to fall back on.
    await expect(cache.get(new Account("a", 2, driver.provider, free))).rejects.toThrow("away");
  });
});

describe("Account", () => {
  test("a retired client is closed when its last call has ended, once", async () => {
    const driver = counting();
    const account = new Account("a", 1, driver.provider, free);
    const { promise, resolve } = Promise.withResolvers<void>();
    const call = account.call(() => promise);
    account.retire();
    expect(driver.closed()).toBe(0);
    resolve();
    await call;
    await account.close();
    expect(driver.closed()).toBe(1);
  });
});

test("C14: nearest names come first, and few at most", () => {
  const known = ["us-east", "us-west", "eu-west", "ap-south", "eu-central", "ca-central", "us-southeast"];
  expect(nearest("us-eats", known)[0]).toBe("us-east");
  expect(nearest("x", known)).toHaveLength(5);
  expect(nearest("x", ["one"])).toEqual(["one"]);
});
