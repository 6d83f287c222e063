import { mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";
import { slowTests } from "./vitest.slow.ts";

const config = mergeConfig(base, {});
config.test = { ...config.test, include: slowTests.map((each) => each.replace(/\*\*$/, "**/*.test.ts")), exclude: [] };
export default config;
