// Runs before `npm start` and `npm test` on whatever Node the machine has (20 or later): installs what
// package-lock.json pins, Node 24 included, and does nothing when that is in place already.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const stampFile = join(root, "node_modules", ".provost-lock");
const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");

const installed = existsSync(stampFile) && readFileSync(stampFile, "utf8") === lock;
if (!installed) {
  console.log("Installing dependencies (once; Node 24 comes with them) …");
  const npm = process.env.npm_execpath;
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const run = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ["ignore", "ignore", "inherit"] })
    : spawnSync("npm", args, {
        cwd: root,
        stdio: ["ignore", "ignore", "inherit"],
        shell: process.platform === "win32",
      });
  if (run.status !== 0) {
    console.error(
      `npm ci failed (exit ${run.status ?? run.signal}). Check the network or the npm registry, then run the same command again.`,
    );
    process.exit(1);
  }
  writeFileSync(stampFile, lock);
}
