import { agingSuite } from "./aging.testsuite.ts";
import { amendSuite } from "./amend.testsuite.ts";
import { boundsSuite } from "./bounds.testsuite.ts";
import { browseSuite } from "./browse.testsuite.ts";
import { claimSuite } from "./claim.testsuite.ts";
import { directSuite } from "./direct.testsuite.ts";
import { durabilitySuite } from "./durability.testsuite.ts";
import type { TransporterSuite } from "./fixture.ts";
import { flowModelSuite } from "./flow-model.testsuite.ts";
import { flowSuite } from "./flow.testsuite.ts";
import { flowRetrySuite } from "./flow-retry.testsuite.ts";
import { holdSuite } from "./hold.testsuite.ts";
import { leaderSuite } from "./leader.testsuite.ts";
import { limitsModelSuite } from "./limits-model.testsuite.ts";
import { limitsSuite } from "./limits.testsuite.ts";
import { keepingSuite } from "./keeping.testsuite.ts";
import { modelSuite } from "./model.testsuite.ts";
import { orderSuite } from "./order.testsuite.ts";
import { scheduleSuite } from "./schedule.testsuite.ts";
import { permitsModelSuite } from "./permits-model.testsuite.ts";
import { permitsSuite } from "./permits.testsuite.ts";
import { renewalSuite } from "./renewal.testsuite.ts";
import { sightSuite } from "./sight.testsuite.ts";
import { uniqueSuite } from "./unique.testsuite.ts";
import { wakeSuite } from "./wake.testsuite.ts";
import { watchSuite } from "./watch.testsuite.ts";

/**
 * The laws that every Transporter keeps, as vitest tests with the law in their names. Call it once for each store, at the
 * top of a test file; it knows no store by name.
 */
export function transporterSuite(suite: TransporterSuite): void {
  orderSuite(suite);
  durabilitySuite(suite);
  claimSuite(suite);
  renewalSuite(suite);
  wakeSuite(suite);
  amendSuite(suite);
  directSuite(suite);
  holdSuite(suite);
  limitsSuite(suite);
  limitsModelSuite(suite);
  agingSuite(suite);
  flowSuite(suite);
  flowRetrySuite(suite);
  scheduleSuite(suite);
  leaderSuite(suite);
  boundsSuite(suite);
  flowModelSuite(suite);
  permitsSuite(suite);
  permitsModelSuite(suite);
  sightSuite(suite);
  browseSuite(suite);
  watchSuite(suite);
  keepingSuite(suite);
  uniqueSuite(suite);
  modelSuite(suite);
}
