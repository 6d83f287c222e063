#!/usr/bin/env node
// Runs the sources in a checkout, which needs no build, and the built program where the package was installed.
import { existsSync } from "node:fs";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(`provost-sandbox: needs Node 24.15 or later, this is ${process.version}\n`);
  process.exit(1);
}
const source = new URL("../src/main.ts", import.meta.url);
await import(existsSync(source) ? source.href : new URL("../dist/main.js", import.meta.url).href);
