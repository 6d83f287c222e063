import { execFile } from "node:child_process";
import { connect } from "node:net";
import { promisify } from "node:util";
import { inject } from "vitest";

const execute = promisify(execFile);

/** What a command prints inside a container; its exit code does not matter (`systemctl is-active` says no by it). */
export async function inside(container: string, ...command: string[]): Promise<string> {
  const ran = execute("lxc", ["exec", container, "--", ...command], {
    env: { ...process.env, LXD_SOCKET: inject("socket"), LXD_CONF: "/tmp" },
    timeout: 30_000,
  });
  const { stdout } = await ran.catch((error: unknown) => error as { stdout?: string });
  return (stdout ?? "").trim();
}

/** Differs from boot to boot. */
export function bootOf(container: string): Promise<string> {
  // In a container boot_id is the host's; the start time of its first process is its own.
  return inside(container, "stat", "-c", "%Y.%X", "/proc/1");
}

/** Whether a machine answers at this address: the golden image listens nowhere, so its refusal is the answer. */
export function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 9, timeout: 5_000 });
    socket.once("connect", () => resolve(true));
    socket.once("timeout", () => resolve(false));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
    socket.once("close", () => resolve(false));
  });
}
