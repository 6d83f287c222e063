import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { IncusApi } from "../../packages/control/src/providers/incus/api.ts";
import { incusProvider } from "../../packages/control/src/providers/incus/driver.ts";
import { waitFor } from "../harness/wait.ts";
import { run } from "./command.ts";
import { EnvironmentError } from "./environment-error.ts";
import { isMain, reportFailure } from "./main.ts";
import { BRIDGE, BRIDGE_ADDRESS, ensureObjects, POOL, PROFILE, removeObjects } from "./objects.ts";

/** A real daemon with a pool, a bridge and a profile of our own, ready for instances. */
export interface Environment {
  /** The daemon's unix socket. */
  socket: string;
  pool: string;
  bridge: string;
  /** The host's address on the bridge: instances call back to it. */
  bridgeAddress: string;
  profile: string;
}

const SOCKETS = ["/var/lib/incus/unix.socket", "/var/lib/lxd/unix.socket"] as const;
const LXD_SOCKET = "/var/lib/lxd/unix.socket";
const PACKAGES = ["lxd", "lxd-client", "dnsmasq-base", "debootstrap", "squashfs-tools", "nftables", "xz-utils", "curl"];
/** Programs whose absence asks for PACKAGES: the daemon's, and those of the golden image's recipe. */
const PROGRAMS = ["lxd", "dnsmasq", "debootstrap", "mksquashfs", "nft", "xz"];
const APT_TIMEOUT_MS = 900_000;
const START_TIMEOUT_MS = 120_000;
const END_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 10_000;
const LOG_FOLDER = "/var/log/lxd";
const LOG = `${LOG_FOLDER}/provost-e2e.log`;
/** There only while a daemon runs that was started here. */
const PID_FILE = "/run/provost-e2e-lxd.pid";

/**
 * Makes a real LXD (or the Incus that already runs) ready, whatever is there already: installs Debian's packages, starts the
 * daemon without systemd, makes the pool, the bridge and the profile. Safe to repeat. Throws `EnvironmentError`.
 */
export async function ensureEnvironment(say: (line: string) => void = console.log): Promise<Environment> {
  const socket = (await answeringSocket()) ?? (await startDaemon(say));
  const api = new IncusApi({ socket, requestTimeoutMs: 60_000 });
  try {
    await ensureObjects(api);
  } finally {
    await api.close();
  }
  return { socket, pool: POOL, bridge: BRIDGE, bridgeAddress: BRIDGE_ADDRESS, profile: PROFILE };
}

/** Removes the instances, images, profile, bridge and pool with our prefix, and ends a daemon that was started here. */
export async function removeEnvironment(say: (line: string) => void = console.log): Promise<void> {
  const socket = await answeringSocket();
  if (socket === undefined) {
    say("no daemon answers: nothing to remove");
    return;
  }
  const api = new IncusApi({ socket, requestTimeoutMs: 60_000 });
  try {
    for (const removed of await removeObjects(api)) say(`removed ${removed}`);
  } finally {
    await api.close();
  }
  const pid = startedHere();
  if (pid === undefined) return;
  process.kill(pid, "SIGTERM");
  await waitFor("lxd to end", () => Promise.resolve(startedHere() === undefined), END_TIMEOUT_MS, 250);
  rmSync(PID_FILE, { force: true });
  say(`ended the daemon (pid ${pid})`);
}

/** The socket that answers as a trusted server: `PROVOST_LXD_SOCKET`, or Incus' or LXD's usual place. */
export async function answeringSocket(): Promise<string | undefined> {
  const named = process.env["PROVOST_LXD_SOCKET"];
  for (const socket of named === undefined ? SOCKETS : [named]) {
    if (existsSync(socket) && (await answers(socket))) return socket;
  }
  return undefined;
}

async function answers(socket: string): Promise<boolean> {
  const provider = incusProvider({ socket, requestTimeoutMs: PROBE_TIMEOUT_MS });
  try {
    await provider.check({});
    return true;
  } catch {
    return false;
  } finally {
    await provider.close();
  }
}

async function startDaemon(say: (line: string) => void): Promise<string> {
  const named = process.env["PROVOST_LXD_SOCKET"];
  if (named !== undefined) {
    throw new EnvironmentError(
      "e2e_daemon_silent",
      `no trusted daemon answers on PROVOST_LXD_SOCKET=${named}: correct it, or unset it to have one started`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new EnvironmentError(
      "e2e_not_root",
      `no LXD or Incus answers on ${SOCKETS.join(" or ")}, and only root can install and start one: run this as root, ` +
        "or name the socket of a running daemon in PROVOST_LXD_SOCKET",
    );
  }
  const missing = PROGRAMS.filter((program) => !inPath(program));
  if (missing.length > 0) await install(missing, say);
  // Under systemd the package's socket starts the daemon by itself.
  if (await answers(LXD_SOCKET)) return LXD_SOCKET;
  const child = spawnDaemon();
  say(`started lxd (pid ${child.pid}, log ${LOG})`);
  writeFileSync(PID_FILE, `${child.pid}\n`);
  try {
    await waitFor("lxd to answer", () => answers(LXD_SOCKET), START_TIMEOUT_MS, 250);
  } catch (error) {
    const log = existsSync(LOG) ? readFileSync(LOG, "utf8").trim().split("\n").slice(-8).join("\n") : "no log";
    throw new EnvironmentError(
      "e2e_daemon_silent",
      `lxd does not answer on ${LXD_SOCKET}; ${LOG} ends with:\n${log}`,
      error,
    );
  }
  return LXD_SOCKET;
}

function spawnDaemon(): ChildProcess {
  mkdirSync(LOG_FOLDER, { recursive: true });
  const output = openSync(LOG, "a");
  // A session of its own: it outlives this process, its terminal and its checkout.
  const child = spawn("lxd", ["--group", "lxd"], { cwd: "/", detached: true, stdio: ["ignore", output, output] });
  child.unref();
  return child;
}

async function install(missing: readonly string[], say: (line: string) => void): Promise<void> {
  if (!inPath("apt-get")) {
    throw new EnvironmentError(
      "e2e_command_failed",
      `${missing.join(", ")} missing and there is no apt-get: install LXD or Incus by the means of this system`,
    );
  }
  say(`installing ${PACKAGES.join(" ")} (missing: ${missing.join(", ")})`);
  const lock = ["-o", "DPkg::Lock::Timeout=300"];
  await run("apt-get", [...lock, "update", "-qq"], APT_TIMEOUT_MS);
  await run("apt-get", [...lock, "install", "-y", "-qq", "--no-install-recommends", ...PACKAGES], APT_TIMEOUT_MS);
}

function inPath(program: string): boolean {
  const folders = `${process.env["PATH"] ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter);
  return folders.some((folder) => folder !== "" && existsSync(join(folder, program)));
}

/** The pid in PID_FILE while it is still lxd's. */
function startedHere(): number | undefined {
  if (!existsSync(PID_FILE)) return undefined;
  const pid = Number(readFileSync(PID_FILE, "utf8"));
  const name = `/proc/${pid}/comm`;
  return Number.isInteger(pid) && existsSync(name) && readFileSync(name, "utf8").trim() === "lxd" ? pid : undefined;
}

if (isMain(import.meta.url)) {
  const action = process.argv[2];
  try {
    if (action === "up") console.log(JSON.stringify(await ensureEnvironment(console.error)));
    else if (action === "down") await removeEnvironment();
    else {
      console.error(`unknown action '${action ?? ""}'; known: up, down`);
      process.exitCode = 2;
    }
  } catch (error) {
    reportFailure(error);
  }
}
