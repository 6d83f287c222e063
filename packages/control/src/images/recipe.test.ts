import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { renderBootScript } from "../boot/boot-script.ts";
import { baseImage } from "./base-image.ts";
import { goldenRecipe, plainRecipe, recipeHash } from "./recipe.ts";

const { recipe, cleanUp } = goldenRecipe();

describe("C2: the golden recipe", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "provost-recipe-"));
    mkdirSync(join(root, "bin"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** A Debian of our own: its package tools say what they are called with, and write nothing else. */
  function runOn(packages: string[]): { code: number | null; calls: string[] } {
    const calls = join(root, "calls");
    writeFileSync(calls, "");
    const tool = (name: string, body: string) =>
      writeFileSync(join(root, "bin", name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    const installed = packages.length === 0 ? "none-at-all" : packages.join("|");
    // The package is the last argument.
    tool("dpkg-query", `for last do :; done; case $last in ${installed}) echo "ii ";; *) exit 1;; esac`);
    for (const name of ["apt-get", "systemctl"]) tool(name, `echo "${name} $*" >> ${calls}`);
    const here = recipe
      .replaceAll(/install_file \//g, `install_file ${root}/`)
      .replaceAll("/etc/cloud", `${root}/etc/cloud`);
    const { status } = spawnSync("/bin/sh", ["-s"], {
      input: here,
      env: { PATH: `${root}/bin:/usr/sbin:/usr/bin:/sbin:/bin` },
    });
    return { code: status, calls: readFileSync(calls, "utf8").split("\n").filter(Boolean) };
  }

  test("a bare Debian gets Incus and loses openssh-server, and has the first-boot service", () => {
    mkdirSync(join(root, "etc/cloud"), { recursive: true });
    const { code, calls } = runOn(["ca-certificates", "curl", "openssh-server"]);
    expect(code).toBe(0);
    expect(calls).toEqual([
      "apt-get -q update",
      "apt-get -q -y --no-install-recommends install dnsmasq-base incus-base",
      "apt-get -q -y purge openssh-server",
      "systemctl --quiet enable provost-first-boot.service",
      expect.stringMatching(/mask apt-daily/),
    ]);
    const service = join(root, "usr/local/sbin/provost-first-boot");
    expect((statSync(service).mode & 0o777).toString(8)).toBe("755");
    expect(spawnSync("/bin/sh", ["-n", service]).status).toBe(0);
    expect(readFileSync(join(root, "etc/systemd/system/provost-first-boot.service"), "utf8")).toMatch(/^\[Unit\]$/m);
    // cloud-init would run the user data a second time, much later.
    expect(statSync(join(root, "etc/cloud/cloud-init.disabled")).size).toBe(0);
  });

  test("an image that has it all is baked again without a network", () => {
    const { code, calls } = runOn(["ca-certificates", "curl", "dnsmasq-base", "incus-base"]);
    expect(code).toBe(0);
    expect(calls.filter((call) => call.startsWith("apt-get"))).toEqual([]);
  });

  test("its hash is that of all that the builder runs", () => {
    expect(recipeHash({ recipe, cleanUp }, "")).toMatch(/^[0-9a-f]{12}$/);
    expect(recipeHash({ recipe, cleanUp }, "echo")).not.toBe(recipeHash({ recipe, cleanUp }, ""));
    expect(plainRecipe()).toEqual({ recipe: "", cleanUp });
  });

  test("recipe and clean-up leave a quarter of Linode's 16 kB for the user's script", () => {
    const rendered = renderBootScript({
      instanceId: "in_0123456789abcdefghij",
      callbackUrl: "https://provost.example.com/v1/callbacks/in_0123456789abcdefghij",
      token: "t".repeat(64),
      sshKeys: [],
      bake: { recipe, cleanUp },
    });
    expect(Buffer.byteLength(rendered)).toBeLessThan(12_288);
  });
});

test("C2: a bake starts from the newest public Debian that there is", () => {
  const offered = ["linode/debian11", "linode/debian12", "linode/debian9", "linode/ubuntu24.04"];
  expect(baseImage(offered.map((id) => ({ id, label: id, kind: "public" })))).toBe("linode/debian12");
  const ours = { label: "", kind: "golden" } as const;
  expect(baseImage([{ ...ours, id: "debian13" }])).toBeUndefined();
});
