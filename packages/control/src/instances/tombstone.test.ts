import { describe, expect, test } from "vitest";
import { costUsd, tombstone } from "./tombstone.ts";

const hour = 3_600_000;
const day = 24 * hour;
const kept = 7 * day;
const accepted = Date.parse("2026-11-01T00:00:00Z");
const failed = {
  status: "failed",
  provider_id: "42",
  accepted_at: accepted,
  archived_at: accepted + hour / 4,
  monthly_usd: 73,
} as const;

describe("the tombstone of a failed instance (C8)", () => {
  test("C8: it says since when the server is billed, what that has cost, and by when it is to be looked at", () => {
    expect(tombstone(failed, accepted + 90 * 60_000, kept)).toEqual({
      billedSince: "2026-11-01T00:00:00.000Z",
      costUsd: 0.2,
      expiresAt: "2026-11-08T00:15:00.000Z",
    });
    expect(tombstone({ ...failed, monthly_usd: null }, accepted + day, kept)).not.toHaveProperty("costUsd");
  });

  test("C8: there is none where no server was made, and none once it is destroyed or is being so", () => {
    expect(tombstone({ ...failed, provider_id: null }, accepted + day, kept)).toBeUndefined();
    for (const status of ["destroying", "destroyed", "provisioned"] as const) {
      expect(tombstone({ ...failed, status }, accepted + day, kept)).toBeUndefined();
    }
  });

  test("C8: an hour that has begun counts, and a month of 730 hours costs the month's price", () => {
    expect(costUsd(5, accepted, accepted)).toBe(0.01);
    expect(costUsd(73, accepted, accepted + 1)).toBe(0.1);
    expect(costUsd(73, accepted, accepted + hour)).toBe(0.1);
    expect(costUsd(73, accepted, accepted + hour + 1)).toBe(0.2);
    expect(costUsd(5, accepted, accepted + 730 * hour)).toBe(5);
    expect(costUsd(5, accepted, accepted + 2 * 730 * hour)).toBe(10);
    expect(costUsd(5, accepted, accepted - day)).toBe(0.01);
  });
});
