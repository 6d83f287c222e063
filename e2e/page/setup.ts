import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { chromiumPath } from "./chromium.ts";

/** The page is proven as it is built; without a browser nothing is, and nothing is skipped. */
export default function setup(): void {
  chromiumPath();
  const build = join(import.meta.dirname, "../../scripts/dashboard.mjs");
  const { status } = spawnSync(process.execPath, [build, "--required"], { stdio: "inherit" });
  if (status !== 0) throw new NotBuilt("The dashboard was not built: what vite said stands above.");
}

class NotBuilt extends Error {
  override readonly name = "NotBuilt";
}
