import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Seal, sameText } from "./seal.ts";

const key = randomBytes(32);

describe("Seal (C15)", () => {
  const seal = new Seal(key);

  test("opens what it sealed, in the same place only", () => {
    const sealed = seal.seal("sécret", "provider:a:token");
    expect(sealed).not.toContain("sécret");
    expect(new Seal(key).open(sealed, "provider:a:token")).toBe("sécret");
    expect(() => seal.open(sealed, "provider:b:token")).toThrow(expect.objectContaining({ code: "secret_unreadable" }));
  });

  test("seals the same text differently each time", () => {
    expect(seal.seal("x", "p")).not.toBe(seal.seal("x", "p"));
  });

  test("refuses what was changed, cut or sealed with another key, and names the key", () => {
    const sealed = seal.seal("secret", "p");
    const other = new Seal(randomBytes(32));
    const flipped = sealed.slice(0, -2) + (sealed.endsWith("A") ? "BB" : "AA");
    for (const wrong of [flipped, sealed.slice(0, 20), "", "s1.x.y", "plain"]) {
      expect(() => seal.open(wrong, "p")).toThrow(expect.objectContaining({ code: "secret_unreadable" }));
    }
    expect(() => other.open(sealed, "p")).toThrow(seal.keyId);
  });

  test("a key of another length is refused", () => {
    expect(() => new Seal(randomBytes(16))).toThrow(expect.objectContaining({ code: "config_invalid" }));
  });

  test("C6: callback tokens differ by instance, deploy and key, and come out the same again", () => {
    const token = seal.callbackToken("in_1", "n1");
    expect(new Seal(key).callbackToken("in_1", "n1")).toBe(token);
    const others = [
      seal.callbackToken("in_2", "n1"),
      seal.callbackToken("in_1", "n2"),
      new Seal(randomBytes(32)).callbackToken("in_1", "n1"),
    ];
    expect(new Set([token, ...others]).size).toBe(4);
  });

  test("texts of different lengths compare as different", () => {
    expect([sameText("a", "a"), sameText("a", "aa"), sameText("", "a")]).toEqual([true, false, false]);
  });
});
