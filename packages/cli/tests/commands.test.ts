import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodes, instanceEventSchema, instanceSchema, pageSchema } from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Provost, type Running } from "./provost.ts";

const page = pageSchema(instanceSchema);
const jsonLine = z.object({ event: instanceEventSchema.optional(), instance: instanceSchema.optional() });
const provost = new Provost();
let server: Running;

beforeAll(async () => {
  server = provost.begin(["start", "--no-first-deploy"]);
  await server.says("Ctrl-C stops everything");
});
afterAll(() => provost.dispose());

function file(name: string, text: string): string {
  const path = join(provost.data, name);
  writeFileSync(path, text);
  return path;
}

// Side by side: they wait for boots, not for this machine.
describe.concurrent("deploy", () => {
  test("C14 waits with stages and ends with the address; list, show, logs and password know the instance", async () => {
    const ran = await provost.run(["deploy", "web-1", "--provider", "sandbox", "--region", "eu-central"]);
    expect(ran, ran.stderr).toMatchObject({ code: exitCodes.done, stderr: "" });
    const address = /web-1 is ready at (\S+),/.exec(ran.stdout)?.[1];
    const list = await provost.run(["instance", "list"]);
    expect(list.stdout).toMatch(/^NAME +STATUS +ADDRESS +PROVIDER +REGION +TYPE +A MONTH +AGE$/m);
    expect(list.stdout).toMatch(
      new RegExp(`^web-1 +provisioned +${address} +sandbox +eu-central +g6-nanode-1 +\\$5 `, "m"),
    );
    expect(list.stdout).toMatch(/cost \$\d+ a month together/);
    const show = await provost.run(["instance", "show", "web-1"]);
    expect(show.stdout).toMatch(/^Status +provisioned$/m);
    const password = await provost.run(["instance", "password", "web-1"]);
    expect(password.stdout.trim().length).toBeGreaterThan(11);
    expect(await provost.run(["instance", "password", "web-1"])).toMatchObject({ code: exitCodes.notFound });
    expect((await provost.run(["instance", "follow", "web-1"])).stdout).toContain("web-1 is ready");
  });

  test("C7 C8 a failing script: step, cause, exit code, log lines and what to do, exit 7; the list sends one to the logs", async () => {
    const script = file("first-boot.sh", "#!/bin/sh\n# sandbox: fail exit=3 log=no such package\nexit 3\n");
    const ran = await provost.run(["deploy", "bad-1", "--provider", "sandbox", "--script", script]);
    expect(ran.code).toBe(exitCodes.operationFailed);
    expect(ran.stderr).toMatch(/bad-1 failed after .*, in step script\./);
    expect(ran.stderr).toMatch(/Exit code +3$/m);
    expect(ran.stderr).toMatch(/│ no such package/);
    expect(ran.stderr).toMatch(/What to do +\S+/);
    expect((await provost.run(["instance", "list"])).stdout).not.toContain("bad-1");
    const failed = await provost.run(["instance", "list", "--failed"]);
    const id = /instance logs (\S+)$/m.exec(failed.stdout)?.[1] ?? "";
    expect(failed.stdout).toMatch(/^bad-1 +script_failed +script /m);
    expect((await provost.run(["instance", "logs", id])).stdout).toContain("no such package");
    const gone = await provost.run(["instance", "destroy", id, "--yes"]);
    expect(gone, gone.stderr).toMatchObject({ code: exitCodes.done });
    expect(gone.stdout).toContain("bad-1 is destroyed");
  });

  test("--json gives one object a line, ending with the instance", async () => {
    const ran = await provost.run(["deploy", "json-1", "--provider", "sandbox", "--json"]);
    const lines = ran.stdout
      .trim()
      .split("\n")
      .map((each) => jsonLine.parse(JSON.parse(each)));
    expect(lines[0]?.event?.kind).toBe("requested");
    expect(lines.at(-1)?.instance?.status).toBe("provisioned");
  });

  test("--detach returns at once; a second deploy of the name is a conflict; --timeout ends the wait with 6", async () => {
    const script = file("silent.sh", "#!/bin/sh\n# sandbox: silent\n");
    const detached = await provost.run(["deploy", "slow-1", "--provider", "sandbox", "--script", script, "--detach"]);
    expect(detached, detached.stderr).toMatchObject({ code: exitCodes.done });
    const taken = await provost.run(["deploy", "slow-1", "--provider", "sandbox"]);
    expect(taken).toMatchObject({
      code: exitCodes.conflict,
      stderr: expect.stringMatching(/"slow-1".*\[name_taken\]\n$/),
    });
    const waited = await provost.run(["instance", "follow", "slow-1", "--timeout", "200ms"]);
    expect(waited.code).toBe(exitCodes.timeout);
    expect(waited.stderr).toMatch(/^error: slow-1 is still \w+ .*instance follow slow-1.*\[wait_timed_out\]\n$/);
  });

  test("Ctrl-C says that the deploy goes on, exit 130", async () => {
    const script = file("silent-2.sh", "#!/bin/sh\n# sandbox: silent\n");
    const running = provost.begin(["deploy", "slow-2", "--provider", "sandbox", "--script", script]);
    await running.says("accepted");
    running.child.kill("SIGINT");
    const ran = await running.ended;
    expect(ran.code).toBe(exitCodes.interrupted);
    expect(ran.stderr).toMatch(/goes on without this command.*instance follow slow-2/);
    expect((await provost.run(["instance", "list"])).stdout).toContain("slow-2");
  });
});

describe("issue 2, line 8: wrong input at the command's door is one line, a code, an exit code, and changes nothing", () => {
  test.each<[string, string[], keyof typeof exitCodes, RegExp]>([
    ["bad name", ["deploy", "Bad_Name", "--provider", "sandbox"], "usage", /"Bad_Name".*3–40.*\[invalid_name\]/],
    [
      "unknown image",
      ["deploy", "new-1", "--provider", "sandbox", "--image", "debian12"],
      "notFound",
      /"debian12".*linode\/debian12.*\[image_not_found\]/,
    ],
    [
      "unknown type",
      ["deploy", "new-1", "--provider", "sandbox", "--type", "huge"],
      "notFound",
      /"huge".*\[type_not_found\]/,
    ],
    [
      "unknown region",
      ["deploy", "new-1", "--provider", "sandbox", "--region", "mars"],
      "notFound",
      /"mars".*\[region_not_found\]/,
    ],
    [
      "no such provider",
      ["deploy", "new-1", "--provider", "nobody"],
      "notFound",
      /"nobody".*sandbox.*\[provider_not_found\]/,
    ],
    ["no provider named", ["deploy", "new-1"], "usage", /--provider.*\[usage\]/],
    [
      "no such key file",
      ["deploy", "new-1", "--provider", "sandbox", "--ssh-key", "/nowhere.pub"],
      "usage",
      /\/nowhere\.pub.*no such file.*\[invalid_request\]/,
    ],
    [
      "a folder as script",
      ["deploy", "new-1", "--provider", "sandbox", "--script", "/"],
      "usage",
      /it is a folder.*\[invalid_request\]/,
    ],
    [
      "bad timeout",
      ["deploy", "new-1", "--provider", "sandbox", "--timeout", "soon"],
      "usage",
      /"soon".*20m.*\[invalid_request\]/,
    ],
    ["no such instance", ["instance", "show", "nobody"], "notFound", /"nobody".*\[instance_not_found\]/],
    ["destroy unasked", ["instance", "destroy", "web-1"], "usage", /--yes.*\[invalid_request\]/],
    ["no such command", ["deplyo"], "usage", /'deplyo'.*deploy.*\[usage\]/],
    ["no such option", ["instance", "list", "--every"], "usage", /'--every'.*\[usage\]/],
    ["bad limit", ["instance", "list", "--limit", "0"], "usage", /"0".*500.*\[invalid_request\]/],
    ["no such driver", ["provider", "add", "p-1", "--driver", "nimbus"], "usage", /"nimbus".*\[driver_not_found\]/],
    [
      "bad option",
      ["provider", "add", "p-1", "--driver", "linode", "--option", "x"],
      "usage",
      /"x".*name=value.*\[invalid_request\]/,
    ],
    ["no such part", ["provider", "catalog", "sandbox", "prices"], "usage", /"prices".*types.*\[invalid_request\]/],
    ["second server", ["server"], "conflict", /in use by the server at http.*\[data_folder_in_use\]/],
    ["second start", ["start"], "conflict", /in use by the server at http.*\[data_folder_in_use\]/],
  ])("%s", async (_what, args, exit, line) => {
    const ran = await provost.run(args);
    expect(ran.stderr).toMatch(line);
    expect(ran.stderr).toMatch(/^error: [^\n]+\n$/);
    expect(ran.code).toBe(exitCodes[exit]);
  });

  test("none of them has made an instance or a provider", async () => {
    const list = page.parse(JSON.parse((await provost.run(["instance", "list", "--all", "--json"])).stdout));
    expect(list.items.map(({ name }) => name)).not.toContain("new-1");
    expect((await provost.run(["provider", "list"])).stdout).not.toContain("p-1");
  });

  test("C15 no token, a wrong token, a token file that is not there: exit 4", async () => {
    const { url } = provost.info();
    const elsewhere = { PROVOST_DATA: "/nowhere" };
    const none = await provost.run(["--url", url, "instance", "list"], elsewhere);
    expect(none).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/PROVOST_TOKEN.*admin-token.*\[unauthenticated\]/),
    });
    const wrong = await provost.run(["instance", "list"], { PROVOST_TOKEN: "pvt_wrong" });
    expect(wrong).toMatchObject({ code: 4, stderr: expect.stringMatching(/not valid.*\[unauthenticated\]/) });
    expect(wrong.stderr).not.toContain("pvt_wrong");
    expect(await provost.run(["--token-file", "/nowhere", "instance", "list"])).toMatchObject({ code: 4 });
    const right = await provost.run(["--url", url, "instance", "list"], {
      ...elsewhere,
      PROVOST_TOKEN: provost.read("admin-token").trim(),
    });
    expect(right, right.stderr).toMatchObject({ code: 0 });
  });

  test("--json tells errors in JSON as well", async () => {
    const ran = await provost.run(["--json", "instance", "show", "nobody"]);
    expect(JSON.parse(ran.stderr)).toMatchObject({ error: { code: "instance_not_found" } });
    expect(ran).toMatchObject({ code: exitCodes.notFound, stdout: "" });
  });
});
