import { execFileSync } from "node:child_process";
import { array, assert, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { BOOT_BODY } from "./boot-body.ts";
import { renderBootScript, type BootScriptOptions } from "./boot-script.ts";
import { BootScriptError } from "./boot-script-error.ts";

const options: BootScriptOptions = {
  instanceId: "i-4kq2",
  callbackUrl: "https://provost.example/v1/callbacks/i-4kq2",
  token: "dG9r_ZW4-1.~+/=",
  sshKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 ada@example"],
  script: "echo hello\n",
};

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof BootScriptError) return error.code;
    throw error;
  }
  return "nothing thrown";
}

describe("rendering", () => {
  test("C6 the header's assignments stand in their exact form, each on a line of its own", () => {
    const lines = renderBootScript(options).split("\n");
    expect(lines.slice(0, 4)).toEqual([
      "#!/bin/sh",
      "PROVOST_INSTANCE_ID='i-4kq2'",
      "PROVOST_CALLBACK_URL='https://provost.example/v1/callbacks/i-4kq2'",
      "PROVOST_CALLBACK_TOKEN='dG9r_ZW4-1.~+/='",
    ]);
  });

  test("C2 the constant part leaves two thirds of Linode's 16 kB for the user's script, and is plain ASCII", () => {
    expect(Buffer.byteLength(renderBootScript({ ...options, script: "", sshKeys: [] }))).toBeLessThan(6144);
    expect(BOOT_BODY).toMatch(/^[\t\n -~]*$/);
  });

  test("C6 any key and any script survive the shell unchanged", () => {
    const word = string({ unit: "grapheme", minLength: 1 }).filter((text) => !/[\0\r\n\s]/.test(text));
    const script = string({ unit: "binary" }).filter((text) => !text.includes("\0"));
    assert(
      property(array(word, { maxLength: 4 }), script, (comments, text) => {
        const sshKeys = comments.map((comment) => `ssh-ed25519 AAAA ${comment}`);
        const rendered = renderBootScript({ ...options, sshKeys, script: text });
        const header = rendered.slice(0, rendered.length - BOOT_BODY.length);
        const printed = execFileSync("/bin/sh", {
          input: `${header}\nprintf '%s\\0' "$PROVOST_INSTANCE_ID" "$PROVOST_CALLBACK_TOKEN" "$PROVOST_SSH_KEYS" "$PROVOST_SCRIPT"`,
        });
        expect(printed.toString().split("\0").slice(0, -1)).toEqual([
          options.instanceId,
          options.token,
          sshKeys.join("\n"),
          text,
        ]);
      }),
      { numRuns: 60 },
    );
  });
});

describe("refusals", () => {
  test.each([
    ["an id with a slash", { instanceId: "../etc" }, "boot_instance_id_invalid"],
    ["an empty id", { instanceId: "" }, "boot_instance_id_invalid"],
    ["another scheme", { callbackUrl: "ftp://provost.example/" }, "boot_callback_url_invalid"],
    ["a quote in the URL", { callbackUrl: 'https://provost.example/"' }, "boot_callback_url_invalid"],
    ["a line break in the URL", { callbackUrl: "https://provost.example/\nurl = x" }, "boot_callback_url_invalid"],
    ["a URL without a host", { callbackUrl: "https://:80" }, "boot_callback_url_invalid"],
    ["a line break in the token", { token: "a\nb" }, "boot_token_invalid"],
    ["a quote in the token", { token: 'a"b' }, "boot_token_invalid"],
    ["a key of two lines", { sshKeys: ["ssh-ed25519 AAAA\nssh-rsa BBBB"] }, "boot_ssh_key_invalid"],
    ["a key of one word", { sshKeys: ["AAAA"] }, "boot_ssh_key_invalid"],
    ["NUL in the script", { script: "a\0b" }, "boot_script_invalid"],
    ["a lone surrogate in the script", { script: "\ud800" }, "boot_script_invalid"],
  ] as const)("HOUSE 5 %s is refused with its code", (_name, change, code) => {
    expect(codeOf(() => renderBootScript({ ...options, ...change }))).toBe(code);
  });

  test("L14 the provider's limit counts bytes, is exact, and the error says how long the script is", () => {
    const script = "é".repeat(1000);
    const bytes = Buffer.byteLength(renderBootScript({ ...options, script }));
    expect(() => renderBootScript({ ...options, script, userDataBytesMax: bytes })).not.toThrow();
    expect(codeOf(() => renderBootScript({ ...options, script, userDataBytesMax: bytes - 1 }))).toBe(
      "boot_script_too_long",
    );
    expect(() => renderBootScript({ ...options, script, userDataBytesMax: 16_384 - 1, token: "t" })).not.toThrow();
    expect(() => renderBootScript({ ...options, script: "x".repeat(20_000), userDataBytesMax: 16_384 })).toThrow(
      /takes 16384; the script in it has 20000/,
    );
  });

  test("C6 no error holds the token", () => {
    const token = "secret secret";
    expect(() => renderBootScript({ ...options, token })).toThrow(/13 characters/);
    expect(() => renderBootScript({ ...options, token })).not.toThrow(/secret/);
  });
});
