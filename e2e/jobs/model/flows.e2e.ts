import { flowModelSuite } from "../../../packages/jobs/src/testing/flow-model.testsuite.ts";
import { onStore } from "./on-store.ts";

onStore(flowModelSuite);
