import { expect, it } from "vitest";
import { zoneChoices } from "./zones.ts";

it("L13: zones to choose from begin with the rule's own, the reader's and UTC, each once", () => {
  expect(zoneChoices("Europe/Berlin", "UTC", ["Asia/Tokyo", "Europe/Berlin"])).toEqual([
    { value: "Europe/Berlin", label: "Europe/Berlin (the rule's)" },
    { value: "UTC", label: "UTC (here)" },
    { value: "Asia/Tokyo", label: "Asia/Tokyo" },
  ]);
  expect(zoneChoices(undefined, "Asia/Tokyo", []).map(({ value }) => value)).toEqual(["Asia/Tokyo", "UTC"]);
});
