import { describe, expect, test } from "vitest";
import { AddressRule, isPublicAddress } from "./address-rule.ts";

describe("C15: webhooks go to public addresses", () => {
  test.each([
    "0.0.0.0",
    "10.255.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "example.com",
    "",
  ])("%s is none", (address) => {
    expect(isPublicAddress(address)).toBe(false);
    expect(new AddressRule([]).allows(address, true)).toBe(false);
  });

  test.each([
    "1.1.1.1",
    "100.63.255.255",
    "172.32.0.1",
    "192.169.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00::1",
  ])("%s is one, over TLS", (address) => {
    expect(new AddressRule([]).allows(address, true)).toBe(true);
    expect(new AddressRule([]).allows(address, false)).toBe(false);
  });

  test("what the configuration allows is allowed, with or without TLS, and nothing beside it", () => {
    const rule = new AddressRule(["10.1.0.0/16", "127.0.0.1", "fd00:1::/32"]);
    for (const address of ["10.1.0.1", "10.1.255.255", "127.0.0.1", "fd00:1::5"]) {
      expect(rule.allows(address, false), address).toBe(true);
    }
    for (const address of ["10.2.0.1", "127.0.0.2", "fd00:2::1", "::1", "::ffff:127.0.0.1", "::ffff:10.1.0.1"]) {
      expect(rule.allows(address, true), address).toBe(false);
    }
  });

  test("0.0.0.0/0 allows no IPv6 with it", () => {
    expect(new AddressRule(["0.0.0.0/0"]).allows("::1", true)).toBe(false);
    expect(new AddressRule(["::/0"]).allows("127.0.0.1", true)).toBe(false);
  });

  test.each(["localhost", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/8/8", "fd00::/129", ""])(
    "%j in the configuration is refused",
    (text) => {
      expect(() => new AddressRule([text])).toThrow(expect.objectContaining({ code: "config_invalid" }));
    },
  );
});
