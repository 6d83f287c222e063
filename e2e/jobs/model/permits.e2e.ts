import { permitsModelSuite } from "../../../packages/jobs/src/testing/permits-model.testsuite.ts";
import { onStore } from "./on-store.ts";

onStore(permitsModelSuite);
