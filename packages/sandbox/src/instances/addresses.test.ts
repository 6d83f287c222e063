import { array, assert, boolean, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { AddressPool, ipv4Of, ipv6Of } from "./addresses.ts";

describe("addresses (C16)", () => {
  test("100,000 instances have 100,000 different addresses, the first 762 from documentation networks", () => {
    const addresses = Array.from({ length: 100_000 }, (_, index) => ipv4Of(index));
    expect(new Set(addresses).size).toBe(100_000);
    const documentation = /^(192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}$/;
    expect(addresses.filter((address) => documentation.test(address))).toHaveLength(762);
    expect(addresses[762]).toBe("10.64.0.1");
    expect(addresses.filter((address) => address.split(".").some((part) => Number(part) > 255))).toEqual([]);
  });

  test("neighbouring ids have different IPv6 addresses", () => {
    expect(new Set(Array.from({ length: 70_000 }, (_, n) => ipv6Of(60_000_001 + n))).size).toBe(70_000);
  });

  test("an address in use is never given out again, also after a restart in between", () => {
    assert(
      property(array(boolean(), { maxLength: 100 }), (acts) => {
        let pool = new AddressPool();
        const held = new Set<number>();
        acts.forEach((takes, step) => {
          if (takes) {
            const index = pool.take();
            expect(held.has(index)).toBe(false);
            held.add(index);
          } else {
            for (const index of [...held].slice(0, 1)) {
              held.delete(index);
              pool.giveBack(index);
            }
          }
          if (step % 10 === 9) {
            pool = new AddressPool();
            pool.restore(held);
          }
        });
      }),
    );
  });
});
