import { modelSuite } from "../../../packages/jobs/src/testing/model.testsuite.ts";
import { onStore } from "./on-store.ts";

onStore(modelSuite);
