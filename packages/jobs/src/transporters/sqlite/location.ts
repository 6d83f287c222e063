import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import { JobsError } from "../../core/errors.ts";

/** `f_type` of Linux's statfs for filesystems whose locks or shared memory do not hold between hosts (L14). */
const networkFilesystems = new Map<number, string>([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x01021997, "9P"],
  [0x5346414f, "AFS"],
  [0x6b414653, "kAFS"],
  [0x73757245, "Coda"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x01161970, "GFS2"],
  [0x7461636f, "OCFS2"],
  [0x65735546, "FUSE"],
  [0x786f4256, "VirtualBox shared folder"],
]);

/** The type number of the filesystem that holds a path. */
export type FilesystemType = (path: string) => number;

const linuxFilesystemType: FilesystemType = (path) => statfsSync(path).type >>> 0;

/**
 * The absolute path of a store that may be opened; throws `store_location_refused` with the reason otherwise.
 * `filesystemType` is for tests: no machine has every filesystem at hand.
 */
export function checkLocation(path: string, filesystemType?: FilesystemType): string {
  if (path === "" || path === ":memory:" || path.startsWith("file:")) {
    refuse(
      `"${path}" is not a path: an in-memory store belongs to one connection and outlives nothing; name a file (tests: in a temporary folder)`,
    );
  }
  const file = resolve(path);
  if (process.platform === "win32" && file.startsWith("\\\\")) {
    refuse(`${file} is on a network share: use a local disk, or PostgreSQL for several hosts`);
  }
  const folder = dirname(file);
  if (!existsSync(folder)) refuse(`${file}: the folder ${folder} does not exist: create it or name another`);
  if (existsSync(file) && statSync(file).isDirectory()) refuse(`${file} is a folder: name a file in it`);
  if (!writable(folder))
    refuse(`${file}: the folder ${folder} is not writable for this user: change its owner or name another`);
  if (existsSync(file) && !writable(file))
    refuse(`${file} is not writable for this user: change its owner or name another`);
  const type = filesystemType ?? (process.platform === "linux" ? linuxFilesystemType : undefined);
  const network = type === undefined ? undefined : networkFilesystems.get(type(folder));
  if (network !== undefined) {
    refuse(`${file} is on a network filesystem (${network}): use a local disk, or PostgreSQL for several hosts`);
  }
  return file;
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function refuse(message: string): never {
  throw new JobsError("store_location_refused", message);
}

/** `boot` is one for all containers of a running kernel; `machine` survives a restart of it. */
export interface HostIdentity {
  machine: string;
  boot: string;
}

export function thisHost(): HostIdentity {
  const boot = firstLine("/proc/sys/kernel/random/boot_id") ?? hostname();
  return { machine: firstLine("/etc/machine-id") ?? hostname(), boot };
}

function firstLine(path: string): string | undefined {
  try {
    const line = readFileSync(path, "utf8").split("\n", 1)[0]?.trim();
    return line === "" ? undefined : line;
  } catch {
    return undefined;
  }
}
