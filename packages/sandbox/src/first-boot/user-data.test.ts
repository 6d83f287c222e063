import { describe, expect, test } from "vitest";
import { readUserData } from "./user-data.ts";

const URL_LINE = "PROVOST_CALLBACK_URL='http://127.0.0.1:9/v1/callback'";
const TOKEN_LINE = "PROVOST_CALLBACK_TOKEN='s3cret'";

function read(...lines: string[]) {
  return readUserData(["#!/bin/sh", ...lines, "echo hello"].join("\n"));
}

describe("user data (C6, C16)", () => {
  test("callback lines make a first boot, whatever quotes they have", () => {
    const expected = { url: "http://127.0.0.1:9/v1/callback", token: "s3cret", stage: 0 };
    expect(read(URL_LINE, TOKEN_LINE).firstBoot).toMatchObject(expected);
    expect(
      read('  export PROVOST_CALLBACK_URL="http://127.0.0.1:9/v1/callback"', "PROVOST_CALLBACK_TOKEN=s3cret").firstBoot,
    ).toMatchObject(expected);
  });

  test("a quote inside a single-quoted value is undone", () => {
    expect(read(URL_LINE, String.raw`PROVOST_CALLBACK_TOKEN='a'\''b'`).firstBoot?.token).toBe("a'b");
  });

  test("without both lines nothing is reported", () => {
    expect(read().firstBoot).toBeUndefined();
    expect(read(URL_LINE).firstBoot).toBeUndefined();
    expect(read(TOKEN_LINE).firstBoot).toBeUndefined();
  });

  test.each(["ftp://127.0.0.1/x", "file:///etc/passwd", "not a url", "//host/path"])(
    "%s is refused, and says so",
    (url) => {
      const plan = read(`PROVOST_CALLBACK_URL='${url}'`, TOKEN_LINE);
      expect(plan.firstBoot).toBeUndefined();
      expect(plan.refusal).toContain(url);
      expect(plan.refusal).not.toContain("s3cret");
    },
  );

  test("directive fail: exit code and log, both optional", () => {
    expect(read(URL_LINE, TOKEN_LINE, "# sandbox: fail exit=3 log=disk is full, sorry").firstBoot?.failure).toEqual({
      exitCode: 3,
      log: "disk is full, sorry",
    });
    expect(read(URL_LINE, TOKEN_LINE, "#sandbox: fail").firstBoot?.failure?.exitCode).toBe(1);
  });

  test("directives silent and stuck; unknown ones mean nothing", () => {
    expect(read(URL_LINE, TOKEN_LINE, "# sandbox: silent").firstBoot).toBeUndefined();
    expect(read(URL_LINE, TOKEN_LINE, "# sandbox: stuck").stuck).toBe(true);
    const plan = read(URL_LINE, TOKEN_LINE, "# sandbox: dance now", "echo '# sandbox: stuck'");
    expect(plan).toMatchObject({ stuck: false, refusal: undefined });
    expect(plan.firstBoot?.failure).toBeUndefined();
  });
});
