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

/** Where Node keeps what it has stripped and compiled. */
export const compiled = join(root, "node_modules", ".cache", "provost");

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

if (!installed || !existsSync(compiled)) {
  const isWindows = process.platform === "win32";
  const node = join(root, "node_modules", ".bin", isWindows ? "node.cmd" : "node");
  // Flags of V8 have a part of their own: the server runs with this one.
  for (const flags of [[], ["--optimize-for-size"]]) {
    const args = [...flags, "--conditions=source", join(root, "scripts", "compile-threads.mjs")];
    // It saves time and a rare crash: whatever keeps it from that keeps nothing else from running.
    spawnSync(node, args, { stdio: "ignore", shell: isWindows, env: { ...process.env, NODE_COMPILE_CACHE: compiled } });
  }
}
