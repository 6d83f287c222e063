// Runs before `npm start`: builds the dashboard when its build is missing or older than what it is made of; with `--always` in any case.
// A build that fails does not keep the server from starting: its page says then what to do. With `--required`, or `--always`, it exits 1.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = join(root, "packages", "dashboard");
const always = process.argv.includes("--always");
const required = always || process.argv.includes("--required");

/** When anything in it was last changed, in ms; a folder's build and packages do not count. */
function newest(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  const entries = readdirSync(path).filter((name) => name !== "dist" && name !== "node_modules");
  return Math.max(found.mtimeMs, ...entries.map((name) => newest(join(path, name))));
}

if (existsSync(join(folder, "package.json"))) {
  const built = statSync(join(folder, "dist", "index.html"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = ["src", "public", "index.html", "package.json", "vite.config.ts"].map((name) => join(folder, name));
  const made = [...sources, join(root, "packages", "contract", "src")];
  if (always || made.some((path) => newest(path) > built)) build();
} else if (required) {
  console.error(`There is no dashboard in ${folder}.`);
  process.exit(1);
}

function build() {
  console.log("Building the dashboard …");
  const npm = process.env.npm_execpath;
  const args = ["run", "build", "--silent"];
  // Whoever asks may be a test, whose own NODE_ENV would give a build for development, a quarter larger.
  const env = { ...process.env, NODE_ENV: "production" };
  const options = { cwd: folder, stdio: ["ignore", "ignore", "inherit"], env };
  const { status, error } = npm
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync("npm", args, { ...options, shell: process.platform === "win32" });
  if (status === 0) return;
  console.error(
    `The dashboard was not built (${error?.message ?? `exit ${status}`}): npm run build:dashboard tries again.`,
  );
  if (required) process.exit(1);
}
