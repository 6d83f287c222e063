import { expect } from "vitest";
import type { House } from "./house.ts";

/**
 * Nothing that any visitor's browser complained of, no breach of the content security policy, and no request to anywhere but the
 * server. Ends the visits.
 */
export async function quiet(house: House): Promise<void> {
  const visits = await house.endVisits();
  expect(visits.flatMap(({ complaints }) => complaints)).toEqual([]);
  expect(visits.flatMap(({ strayed }) => strayed)).toEqual([]);
}
