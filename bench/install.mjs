// Runs before `npm run bench`: installs the peers that bench/package-lock.json pins, and does nothing when they are in place.
// They are apart from the project's own dependencies, so that `npm start` and `npm test` install none of them.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const stampFile = join(import.meta.dirname, "node_modules", ".provost-lock");
const lock = createHash("sha256")
  .update(readFileSync(join(import.meta.dirname, "package-lock.json")))
  .digest("hex");

if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== lock) {
  console.log("Installing the engines to compare with (once) …");
  // Not `npm ci`: the lock may lack prebuilt helpers of other platforms, which are optional.
  const run = spawnSync("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (run.status !== 0) {
    console.error(
      `npm install failed in bench (exit ${run.status ?? run.signal}). Check the network or the npm registry.`,
    );
    process.exit(1);
  }
  writeFileSync(stampFile, lock);
}
