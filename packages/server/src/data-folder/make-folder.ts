import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder (0700) and what is missing above it. Not `mkdirSync` with `recursive`: on Node 24 that never returns
 * where a file system answers ENOENT to every mkdir, as /proc does.
 *
 * @throws the file system's own error.
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let each = path; statSync(each, { throwIfNoEntry: false }) === undefined; each = dirname(each))
    missing.push(each);
  for (const each of missing.toReversed()) mkdirSync(each, { mode: 0o700 });
}
