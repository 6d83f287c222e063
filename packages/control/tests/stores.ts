import { sqliteStore, type TestStore } from "./world.ts";

/** Every store that the control plane's tests run on here. */
export const stores: TestStore[] = [sqliteStore];
