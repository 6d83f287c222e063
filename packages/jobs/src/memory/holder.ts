import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { PermitHolder } from "../transporters/permits.ts";

/**
 * This process, as others on the host tell it from a later one with the same id: by when it was started.
 *
 * @param bell its address, where it has one.
 */
export function thisProcess(bell?: string): PermitHolder {
  const own = `${process.pid}:${startOf(process.pid) ?? ""}`;
  return { host: hostKey(), process: bell === undefined ? own : `${own}:${bell}` };
}

/** Where a process that was seen can be rung. */
export function bellOf(holder: PermitHolder): string | undefined {
  return holder.process.split(":")[2];
}

/** True when the holder was on this host and is gone for certain. A zombie is gone: it runs no more. */
export function isGone(holder: PermitHolder, here: PermitHolder): boolean {
  if (holder.host !== here.host || holder.process === here.process) return false;
  const [id, started] = holder.process.split(":");
  const pid = Number(id);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  const start = startOf(pid);
  // Not to be seen in /proc (other systems, or hidden there): only the system's "no such process" counts.
  if (start === undefined) return !exists(pid);
  return start !== started;
}

/** A kernel's run and the space of process ids in it: containers of one machine do not see each other's. */
function hostKey(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot}:${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

/** Ticks from the machine's start to the process's; `gone` for a zombie. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name, which may hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? "gone" : fields[19];
  } catch {
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: there, and another user's.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
