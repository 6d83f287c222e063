import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Keeps a second server out of a data folder. The lock is the operating system's own lock on a file, taken through
 * SQLite because Node has no call for it: the kernel drops it when its holder ends, `kill -9` included, so there is no
 * stale lock to judge. The file itself must not be opened by anything else here: closing any handle on it drops the lock.
 */
export class FolderLock {
  readonly #handle: DatabaseSync;

  private constructor(handle: DatabaseSync) {
    this.#handle = handle;
  }

  /** Undefined when another holder has it. */
  static take(folder: string): FolderLock | undefined {
    const handle = new DatabaseSync(join(folder, "server.lock"), { timeout: 0 });
    try {
      handle.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    } catch (error) {
      handle.close();
      if (isBusy(error)) return undefined;
      throw error;
    }
    return new FolderLock(handle);
  }

  /** Safe to call twice. */
  release(): void {
    if (this.#handle.isOpen) this.#handle.close();
  }
}

function isBusy(error: unknown): boolean {
  const busy = 5;
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === busy;
}
