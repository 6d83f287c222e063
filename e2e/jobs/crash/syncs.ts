import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ProofError } from "../proof.ts";
import type { ProofStore } from "../stores.ts";

const enqueuerScript = fileURLToPath(new URL("enqueuer.ts", import.meta.url));

export interface Syncs {
  enqueues: number;
  /** `fsync` and `fdatasync` calls, of the process that writes: the enqueuer's own on SQLite, the server's on PostgreSQL. */
  syncCalls: number;
  settings: Record<string, unknown>;
}

/**
 * Commits that reach the disk, shown apart from the kills, which a page cache would survive: enqueues one after the other, with the
 * kernel's sync calls counted from outside (`strace`), and the store's settings as it tells them itself.
 */
export async function countSyncs(store: ProofStore, enqueues: number): Promise<Syncs> {
  const counted = join(store.folder, "syncs.strace");
  const enqueuer = [process.execPath, ...process.execArgv, enqueuerScript, store.address, String(enqueues)];
  const strace = ["-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", counted];
  // A server's syncs are those of its own processes: it tells of them itself.
  const [command = "", ...args] = store.kind === "SQLite" ? ["strace", ...strace, ...enqueuer] : enqueuer;
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], timeout: 120_000 });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0)
    throw new ProofError(
      "enqueuer_failed",
      `the counted enqueuer ended with ${code}: is strace there, and may it trace?`,
    );
  const { settings, serverSyncs } = JSON.parse(said) as { settings: Record<string, unknown>; serverSyncs?: number };
  const own = store.kind === "SQLite" ? readFileSync(counted, "utf8").match(/f(data)?sync\(\d+/g)?.length : undefined;
  return { enqueues, syncCalls: own ?? serverSyncs ?? 0, settings };
}
