#!/usr/bin/env node
// Runs the built program where there is one, the sources where there is not: a checkout needs no build.
import { existsSync } from "node:fs";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(`provost-sandbox: needs Node 24.15 or later, this is ${process.version}\n`);
  process.exit(1);
}
const built = new URL("../dist/main.js", import.meta.url);
await import(existsSync(built) ? built.href : new URL("../src/main.ts", import.meta.url).href);
