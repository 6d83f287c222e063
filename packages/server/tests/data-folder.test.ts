import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { DataFolder } from "../src/data-folder/data-folder.ts";

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "provost-folder-"));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

function mode(path: string): number {
  return statSync(path).mode & 0o777;
}

describe("data folder", () => {
  test("C15 is 0700, its secrets 0600, and both stay over a restart", () => {
    const path = join(parent, "a", "b");
    const first = DataFolder.open(path);
    const token = first.adminToken();
    const key = first.secretKey();
    expect(mode(path)).toBe(0o700);
    expect(mode(join(path, "admin-token"))).toBe(0o600);
    expect(mode(join(path, "secret.key"))).toBe(0o600);
    first.close();
    chmodSync(join(path, "admin-token"), 0o644);

    const second = DataFolder.open(path);
    expect(second.adminToken()).toBe(token);
    expect(second.secretKey()).toEqual(key);
    expect(mode(join(path, "admin-token"))).toBe(0o600);
    second.close();
  });

  test("a lost token file is replaced by a new token, a damaged one is told", () => {
    const folder = DataFolder.open(parent);
    const token = folder.adminToken();
    rmSync(join(parent, "admin-token"));
    expect(folder.adminToken()).not.toBe(token);
    writeFileSync(join(parent, "admin-token"), "oops\n");
    expect(() => folder.adminToken()).toThrow(/Delete that file and start again/);
    writeFileSync(join(parent, "secret.key"), "oops\n");
    expect(() => folder.secretKey()).toThrow(expect.objectContaining({ code: "data_folder_unusable" }));
    folder.close();
  });

  test("a second server is refused with the first one's address, and let in when that has gone", () => {
    const first = DataFolder.open(parent);
    first.announce({ url: "http://127.0.0.1:4999", pid: 42 });
    expect(() => DataFolder.open(parent)).toThrow(
      expect.objectContaining({
        code: "data_folder_in_use",
        message: expect.stringContaining("http://127.0.0.1:4999 (pid 42)"),
      }),
    );
    first.close();
    first.close();
    expect(existsSync(join(parent, "server.json"))).toBe(false);
    const second = DataFolder.open(parent);
    expect(second.lastPort()).toBe(4999);
    second.close();
  });

  test("L11 the lock of a server that was killed with -9 does not block", async () => {
    const holder = spawn(
      process.execPath,
      [
        "--conditions=source",
        "--input-type=module",
        "-e",
        `const { DataFolder } = await import(${JSON.stringify(new URL("../src/data-folder/data-folder.ts", import.meta.url).href)});
         globalThis.folder = DataFolder.open(${JSON.stringify(parent)}); // a lock nobody refers to goes with the garbage
         process.stdout.write("locked");
         setInterval(() => {}, 1000);`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    onTestFinished(() => void holder.kill("SIGKILL"));
    await once(holder.stdout, "data");
    expect(() => DataFolder.open(parent)).toThrow(expect.objectContaining({ code: "data_folder_in_use" }));
    holder.kill("SIGKILL");
    await once(holder, "exit");
    DataFolder.open(parent).close();
  });

  test.each([
    ["under a file", () => join(parent, "file", "data"), "part of that path is a file"],
    ["a file", () => join(parent, "file"), "it is not a folder"],
    ["where nothing can be made", () => "/proc/provost/data", "it cannot be made there"],
  ])("issue 2, line 8: %s it cannot be used, and says so", (_where, path, reason) => {
    writeFileSync(join(parent, "file"), "");
    expect(() => DataFolder.open(path())).toThrow(
      expect.objectContaining({
        code: "data_folder_unusable",
        message: expect.stringContaining(`${path()} cannot be used: ${reason}`),
      }),
    );
    expect(readFileSync(join(parent, "file"), "utf8")).toBe("");
  });
});
