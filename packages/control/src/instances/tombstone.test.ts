import { describe, expect, test } from "vitest";
import { tombstone } from "./tombstone.ts";

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
  hourly_usd: null,
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
});
