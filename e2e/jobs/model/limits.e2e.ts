import { limitsModelSuite } from "../../../packages/jobs/src/testing/limits-model.testsuite.ts";
import { onStore } from "./on-store.ts";

onStore(limitsModelSuite);
