import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { exitCodes } from "@provost/contract";
import { variables } from "@provost/server";
import { describe, expect, test } from "vitest";
import { Provost, withProvost } from "./provost.ts";

describe("issue 2, line 8: a server that cannot start says why in one line and leaves nothing half-made", () => {
  test.each<[string, string[], Record<string, string>, keyof typeof exitCodes, RegExp]>([
    ["port that is none", ["server", "--port", "http"], {}, "usage", /--port is "http".*\[config_invalid\]/],
    [
      "data folder under a file",
      ["start", "--data", "/etc/hostname/data"],
      {},
      "failure",
      /\/etc\/hostname\/data.*--data.*\[data_folder_unusable\]/,
    ],
    [
      "data folder in /proc",
      ["server", "--data", "/proc/data"],
      {},
      "failure",
      /\/proc\/data.*\[data_folder_unusable\]/,
    ],
    [
      "database of another kind",
      ["server"],
      { PROVOST_DATABASE: "mysql://me:s3cret@db/x" },
      "usage",
      /"mysql:\/\/me@db\/x".*postgres:\/\/.*\[config_invalid\]/,
    ],
    [
      "database that is a folder",
      ["server"],
      { PROVOST_DATABASE: "/etc" },
      "failure",
      /\/etc cannot be used: it is a folder.*\[database_unusable\]/,
    ],
    [
      "database that refuses",
      ["server"],
      { PROVOST_DATABASE: "postgres://me:s3cret@127.0.0.1:9/x" },
      "failure",
      /postgres:\/\/me@127\.0\.0\.1:9\/x cannot be used: nothing listens there.*\[database_unusable\]/,
    ],
    [
      "database host unknown",
      ["start", "--once"],
      { PROVOST_DATABASE: "postgres://me:s3cret@nohost.invalid/x" },
      "failure",
      /nohost\.invalid\/x cannot be used.*\[database_unusable\]/,
    ],
    [
      "address of another machine",
      ["server", "--host", "192.0.2.1"],
      {},
      "usage",
      /"192\.0\.2\.1".*\[config_invalid\]/,
    ],
    ["level that is none", ["server"], { PROVOST_LOG_LEVEL: "loud" }, "usage", /"loud".*info.*\[config_invalid\]/],
  ])("%s", async (_what, args, env, exit, line) => {
    await using provost = new Provost();
    const ran = await provost.run(args, env);
    const errors = ran.stderr.split("\n").filter((each) => each.startsWith("error:"));
    expect(errors).toEqual([expect.stringMatching(line)]);
    expect(ran.stderr).not.toContain("s3cret");
    expect(ran.code).toBe(exitCodes[exit]);
    expect(provost.has("server.json")).toBe(false);
    expect(provost.has("provost.db")).toBe(false);
  });

  withProvost("a port that is taken", async ({ provost }) => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const ran = await provost.run(["start", "--once", "--port", String(port)]);
    other.close();
    expect(ran).toMatchObject({
      code: exitCodes.conflict,
      stderr: expect.stringMatching(/^error: Port \d+ .*--port.*\[port_in_use\]\n$/),
    });
    expect(provost.has("sandbox.db")).toBe(false);
  });

  withProvost("a database file that is no database", async ({ provost }) => {
    const path = join(provost.data, "text.db");
    writeFileSync(path, "this is no database, only text that is long enough to have a header\n".repeat(20));
    const ran = await provost.run(["server"], { PROVOST_DATABASE: path });
    expect(ran).toMatchObject({
      code: exitCodes.failure,
      stderr: expect.stringMatching(/text\.db cannot be used: .*\[database_unusable\]/),
    });
  });

  withProvost("no server: the command says how to start one, or that it has ended", async ({ provost }) => {
    const none = await provost.run(["instance", "list"]);
    expect(none).toMatchObject({
      code: exitCodes.failure,
      stderr: expect.stringMatching(/No server runs on .*start.*\[server_unavailable\]/),
    });
    writeFileSync(join(provost.data, "server.json"), JSON.stringify({ url: "http://127.0.0.1:9", pid: 1 }));
    writeFileSync(join(provost.data, "admin-token"), "pvt_some-token-or-other\n");
    const ended = await provost.run(["instance", "list"]);
    expect(ended).toMatchObject({
      code: exitCodes.failure,
      stderr: expect.stringMatching(/127\.0\.0\.1:9.*ended.*\[server_unavailable\]/),
    });
  });

  withProvost("help names every variable of the server, and the version is the package's", async ({ provost }) => {
    const help = await provost.run(["server", "--help"]);
    for (const [name, meaning] of Object.entries(variables)) {
      expect(help.stdout).toContain(name);
      expect(help.stdout).toContain(meaning);
    }
    expect(await provost.run(["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    expect(existsSync(join(provost.data, "admin-token"))).toBe(false);
  });
});
