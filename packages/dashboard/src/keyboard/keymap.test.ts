import { describe, expect, test } from "vitest";
import { matchPress, pressName } from "./keymap.ts";

const press = (key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "altKey", boolean>> = {}) =>
  pressName({ key, ctrlKey: false, metaKey: false, altKey: false, ...held });

test("pressName: ⌘ and Ctrl are one, shift is in the letter", () => {
  expect(press("k", { metaKey: true })).toBe("mod+k");
  expect(press("K", { ctrlKey: true })).toBe("mod+k");
  expect(press("?")).toBe("?");
  expect(press("Enter")).toBe("Enter");
  expect(press("Shift")).toBeUndefined();
});

describe("matchPress", () => {
  const bindings = ["g i", "g j", "j", "/", "mod+k"];

  test("one key, and two in a row", () => {
    expect(matchPress(bindings, "", "j")).toEqual({ binding: "j", pending: "" });
    expect(matchPress(bindings, "", "g")).toEqual({ pending: "g" });
    expect(matchPress(bindings, "g", "j")).toEqual({ binding: "g j", pending: "" });
  });

  test("a second key that fits nothing begins anew", () => {
    expect(matchPress(bindings, "g", "/")).toEqual({ binding: "/", pending: "" });
    expect(matchPress(bindings, "g", "g")).toEqual({ pending: "g" });
    expect(matchPress(bindings, "g", "x")).toEqual({ pending: "" });
  });
});
