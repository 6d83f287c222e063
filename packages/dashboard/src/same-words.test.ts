import * as contract from "@provost/contract";
import { describe, expect, test } from "vitest";
import { permits } from "./api/roles.ts";
import { faultsOf, emptyOrder } from "./deploy/order.ts";
import { fleetActionWords } from "./fleets/actions.ts";
import { filterKeys, fleetFilter } from "./instances/filter.ts";
import { statuses } from "./instances/status.tsx";
import { parseQuery } from "./list/query.ts";
import { navGroups } from "./shell/nav.ts";
import { offered, usual } from "./system/webhook-events.ts";

/** The page imports types alone from the contract: what it knows besides is held to it here. */
describe("C14 the page has the same words as API and command line", () => {
  test("every status of an instance has a look", () => {
    expect(statuses.toSorted()).toEqual([...contract.instanceStatuses].toSorted());
  });

  test("every action of a fleet can be chosen", () => {
    expect(Object.keys(fleetActionWords).toSorted()).toEqual([...contract.fleetActions].toSorted());
  });

  test("the list's filters are the API's", () => {
    const known = Object.keys(contract.instanceFilterSchema.shape);
    expect([...filterKeys].filter((key) => !known.includes(key))).toEqual([]);
  });

  test("a webhook is told of what the API tells of, by default of the same", () => {
    expect(offered.filter((event) => !contract.webhookEvents.includes(event))).toEqual([]);
    expect(usual.toSorted()).toEqual([...contract.usualEvents].toSorted());
  });

  test("C15 the roles stand in the server's order", () => {
    for (const [index, role] of contract.roles.entries()) {
      for (const [needed, other] of contract.roles.entries()) expect(permits(role, other)).toBe(index >= needed);
    }
  });

  test("names and tags are refused as the server refuses them", () => {
    for (const name of ["web-1", "a", "-web", "web-", "a".repeat(40), "a".repeat(41), "we_b", "Web"]) {
      const faults = faultsOf({ ...emptyOrder, provider: "p", name });
      expect([name, faults.name === undefined]).toEqual([name, contract.namePattern.test(name)]);
    }
    for (const tag of ["web", "team:shop", "a", "9", "web-", "Web", "a".repeat(41)]) {
      const faults = faultsOf({ ...emptyOrder, provider: "p", name: "web-1", tags: tag });
      const accepted = contract.deployRequestSchema.shape.tags.safeParse([tag]).success;
      expect([tag, faults.tags === undefined]).toEqual([tag, accepted]);
    }
  });
});

test("every screen has a key of its own", () => {
  const keys = navGroups.flatMap(({ items }) => items.map(({ key }) => key));
  expect(new Set(keys).size).toBe(keys.length);
});

const filter = (text: string) => fleetFilter(parseQuery(text, filterKeys));

test("a search becomes a fleet's filter where that can say it", () => {
  expect(filter("status:running name:web,db")).toBe("status:running name:web*,db*");
  expect(filter("")).toBe("name:*");
  expect(filter("web")).toBeUndefined();
  expect(filter("colour:red")).toBeUndefined();
});
