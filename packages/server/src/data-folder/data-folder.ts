import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ProvostError } from "@provost/contract";
import { z } from "zod";
import { errorCode, messageOf } from "../error-code.ts";
import { FolderLock } from "./folder-lock.ts";
import { makeFolder } from "./make-folder.ts";

/** What the command line needs to find a running server. */
const serverInfo = z.object({ url: z.string(), pid: z.number() });
export type ServerInfo = z.infer<typeof serverInfo>;

/**
 * The folder (mode 0700) that holds what a server keeps outside its database, and the lock that makes it one server's.
 * Secrets lie in files of mode 0600: `admin-token` (C15) and `secret.key`.
 */
export class DataFolder {
  readonly path: string;
  readonly #lock: FolderLock;

  private constructor(path: string, lock: FolderLock) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Makes the folder where there is none, and locks it.
   *
   * @throws ProvostError `data_folder_unusable`, `data_folder_in_use`.
   */
  static open(path: string): DataFolder {
    try {
      makeFolder(path);
      if (!statSync(path).isDirectory()) throw unusable(path, "it is not a folder");
      const lock = FolderLock.take(path);
      if (lock === undefined) throw inUse(path);
      return new DataFolder(path, lock);
    } catch (error) {
      throw error instanceof ProvostError ? error : unusable(path, reasonOf(error), error);
    }
  }

  /**
   * The token that people use. Made when there is none; a file that was lost is so replaced at the next start, and the
   * old token ends with it.
   */
  adminToken(): string {
    const token = this.#secretFile("admin-token", () => `pvt_${randomBytes(32).toString("base64url")}`);
    if (/^[\w-]{20,200}$/.test(token)) return token;
    throw unusable(
      this.path,
      `admin-token holds no token (${token.length} characters)`,
      undefined,
      "Delete that file and start again: a new one is made",
    );
  }

  /** 32 bytes that seal the providers' credentials (C15). */
  secretKey(): Uint8Array {
    const text = this.#secretFile("secret.key", () => randomBytes(32).toString("hex"));
    if (/^[0-9a-f]{64}$/.test(text)) return Buffer.from(text, "hex");
    throw unusable(
      this.path,
      "secret.key is not 64 hex digits",
      undefined,
      "Put the right one back (from a backup); without it the providers' credentials cannot be opened",
    );
  }

  /** The port used last, so that instances which were told an address before a restart still reach it. */
  lastPort(): number | undefined {
    const port = Number(this.#read("last-port") ?? Number.NaN);
    return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : undefined;
  }

  announce(info: ServerInfo): void {
    this.#write("last-port", `${new URL(info.url).port}\n`);
    this.#write("server.json", `${JSON.stringify(info)}\n`);
  }

  /** Where the log of a server goes whose terminal is for people. Begun anew past 10 MB, with one old file kept. */
  logFile(): string {
    const file = join(this.path, "server.log");
    const bytesMax = 10 * 1024 * 1024;
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > bytesMax) renameSync(file, `${file}.1`);
    return file;
  }

  /** Takes the announcement back and lets the folder go. Safe to call twice. */
  close(): void {
    rmSync(join(this.path, "server.json"), { force: true });
    this.#lock.release();
  }

  #secretFile(name: string, make: () => string): string {
    const kept = this.#read(name);
    if (kept !== undefined) {
      chmodSync(join(this.path, name), 0o600);
      return kept.trim();
    }
    const made = make();
    this.#write(name, `${made}\n`);
    return made;
  }

  #read(name: string): string | undefined {
    try {
      return readFileSync(join(this.path, name), "utf8");
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw unusable(this.path, `${name}: ${reasonOf(error)}`, error);
    }
  }

  /** Whole or not at all: a crash between must not leave half a key. */
  #write(name: string, text: string): void {
    const file = join(this.path, name);
    try {
      writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
      renameSync(`${file}.new`, file);
    } catch (error) {
      throw unusable(this.path, `${name}: ${reasonOf(error)}`, error);
    }
  }
}

/** What the folder says of a server, running or dead; undefined when it says nothing. */
export function readServerInfo(path: string): ServerInfo | undefined {
  try {
    const read = serverInfo.safeParse(JSON.parse(readFileSync(join(path, "server.json"), "utf8")));
    return read.data;
  } catch {
    return undefined;
  }
}

function inUse(path: string): ProvostError {
  const info = readServerInfo(path);
  const who = info === undefined ? "another server" : `the server at ${info.url} (pid ${info.pid})`;
  return new ProvostError(
    "data_folder_in_use",
    `The data folder ${path} is in use by ${who}. Stop that one, or choose another folder with --data or PROVOST_DATA.`,
    { field: "PROVOST_DATA" },
  );
}

function unusable(path: string, reason: string, cause?: unknown, wayOut?: string): ProvostError {
  const out = wayOut ?? "Choose a folder that you may write to, with --data or PROVOST_DATA";
  return new ProvostError("data_folder_unusable", `The data folder ${path} cannot be used: ${reason}. ${out}.`, {
    field: "PROVOST_DATA",
    cause,
  });
}

function reasonOf(error: unknown): string {
  const reasons: Record<string, string> = {
    EACCES: "no permission",
    EPERM: "no permission",
    EROFS: "the file system is read-only",
    ENOTDIR: "part of that path is a file",
    EEXIST: "it is a file",
    ENOSPC: "the disk is full",
    ENOENT: "it cannot be made there",
    EISDIR: "it is a folder",
  };
  return reasons[errorCode(error)] ?? messageOf(error);
}
