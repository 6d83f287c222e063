import { durabilitySuite } from "./durability.testsuite.ts";
import type { TransporterSuite } from "./fixture.ts";
import { orderSuite } from "./order.testsuite.ts";

/**
 * The laws that every Transporter keeps, as vitest tests with the law in their names. Call it once for each store, at the
 * top of a test file; it knows no store by name.
 */
export function transporterSuite(suite: TransporterSuite): void {
  orderSuite(suite);
  durabilitySuite(suite);
}
