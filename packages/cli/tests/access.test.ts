import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { auditEntrySchema, createdTokenSchema, exitCodes, pageSchema } from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Provost, type Ran, type Running } from "./provost.ts";

const provost = new Provost();
let server: Running;

beforeAll(async () => {
  server = provost.begin(["start", "--no-first-deploy"], { PROVOST_WEBHOOK_ALLOW: "127.0.0.1" });
  await server.says("Ctrl-C stops everything");
});
afterAll(() => provost.dispose());

function as(token: string, args: string[]): Promise<Ran> {
  return provost.run(args, { PROVOST_TOKEN: token });
}

describe("C15: tokens through the command", () => {
  test("create prints the token alone, once; list shows it with its last use; revoke ends it at once; exit 4 says which role", async () => {
    const made = await provost.run(["token", "create", "ci-1", "--role", "viewer", "--expires", "90d"]);
    expect(made, made.stderr).toMatchObject({ code: exitCodes.done });
    expect(made.stdout).toMatch(/^pvt_[\w-]{43}\n$/);
    expect(made.stderr).toContain("shown this once");
    const token = made.stdout.trim();
    expect(await as(token, ["instance", "list"])).toMatchObject({ code: exitCodes.done });
    const deploy = await as(token, ["deploy", "web-1", "--provider", "sandbox"]);
    expect(deploy).toMatchObject({
      code: exitCodes.notAllowed,
      stderr: expect.stringMatching(/^error: .*"ci-1" has the role viewer.*needs the role operator.*\[forbidden\]\n$/),
    });
    const list = await provost.run(["token", "list"]);
    expect(list.stdout).toMatch(/^NAME +ROLE +STATUS +EXPIRES +LAST USED +AGE +ID$/m);
    expect(list.stdout).toMatch(/^ci-1 +viewer +active +20\d\d-\S+ +\d+ s ago /m);
    expect(list.stdout).not.toContain(token);
    expect(await provost.run(["token", "revoke", "ci-1"])).toMatchObject({ code: exitCodes.done });
    expect(await as(token, ["instance", "list"])).toMatchObject({ code: exitCodes.notAllowed });
    expect((await provost.run(["token", "list"])).stdout).toMatch(/^ci-1 +viewer +revoked/m);
  });

  test.each<[string, string[], keyof typeof exitCodes, RegExp]>([
    ["no role", ["token", "create", "x-1"], "usage", /--role.*\[usage\]/],
    [
      "no such role",
      ["token", "create", "x-1", "--role", "king"],
      "usage",
      /"king".*viewer, operator, admin.*\[invalid_request\]/,
    ],
    [
      "no duration",
      ["token", "create", "x-1", "--role", "viewer", "--expires", "soon"],
      "usage",
      /"soon".*90d.*\[invalid_request\]/,
    ],
    ["no such token", ["token", "revoke", "nobody"], "notFound", /"nobody".*\[token_not_found\]/],
    ["the data folder's", ["token", "revoke", "admin"], "conflict", /admin-token.*\[admin_token_kept\]/],
    ["no such webhook", ["webhook", "test", "nobody"], "notFound", /"nobody".*\[webhook_not_found\]/],
    [
      "a private address",
      ["webhook", "add", "x-1", "https://10.0.0.1/"],
      "usage",
      /PROVOST_WEBHOOK_ALLOW.*\[webhook_url_refused\]/,
    ],
    [
      "no such event",
      ["webhook", "add", "x-1", "https://1.1.1.1/", "--event", "boom"],
      "usage",
      /"boom".*instance\.failed.*\[invalid_request\]/,
    ],
    ["no such status", ["webhook", "deliveries", "x-1", "--status", "lost"], "usage", /status.*\[invalid_request\]/],
  ])("%s", async (_what, args, exit, line) => {
    const ran = await provost.run(args);
    expect(ran.stderr).toMatch(line);
    expect(ran.stderr).toMatch(/^error: [^\n]+\n$/);
    expect(ran.code).toBe(exitCodes[exit]);
  });
});

test("C15: audit shows who did what, refused ones too; --json has before, after and the request", async () => {
  const made = await provost.run(["token", "create", "op-1", "--role", "operator", "--json"]);
  const { token } = createdTokenSchema.parse(JSON.parse(made.stdout));
  await as(token, ["token", "create", "mine", "--role", "admin"]);
  await as(token, ["deploy", "web-2", "--provider", "sandbox"]);
  const shown = await as(token, ["audit", "--actor", "op-1"]);
  expect(shown.stdout).toMatch(/op-1 operator +token\.create +\/v1\/tokens +refused \(forbidden\)/);
  expect(shown.stdout).toMatch(/op-1 operator +instance\.deploy +web-2 +done /);
  const json = await provost.run(["audit", "--target", "op-1", "--action", "token.create", "--json"]);
  const { items } = pageSchema(auditEntrySchema).parse(JSON.parse(json.stdout));
  expect(items).toMatchObject([
    { actor: { name: "admin", role: "admin" }, after: { role: "operator" }, outcome: "done" },
  ]);
  expect(json.stdout).not.toContain(token);
  const first = await provost.run(["audit", "--limit", "1"]);
  const next = /--after (\d+) goes on/.exec(first.stdout)?.[1] ?? "";
  expect((await provost.run(["audit", "--limit", "1", "--after", next])).code).toBe(exitCodes.done);
});

test("C7: a webhook through the command: add prints the secret alone, test says what was answered, deliveries are listed and sent again", async () => {
  const got: { headers: IncomingHttpHeaders; text: string }[] = [];
  let status = 204;
  const receiver = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      got.push({ headers: request.headers, text });
      response.writeHead(status).end();
    });
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const address = receiver.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/hook`;
  try {
    const added = await provost.run(["webhook", "add", "pager", url]);
    expect(added, added.stderr).toMatchObject({ code: exitCodes.done });
    expect(added.stdout).toMatch(/^whsec_[\w+/=]{44}\n$/);
    const good = await provost.run(["webhook", "test", "pager"]);
    expect(good).toMatchObject({ code: exitCodes.done, stdout: expect.stringContaining("HTTP 204") });
    const { headers, text } = got[0] ?? expect.unreachable("nothing came");
    const key = Buffer.from(added.stdout.trim().slice("whsec_".length), "base64");
    const content = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${text}`;
    expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", key).update(content).digest("base64")}`);
    status = 500;
    expect(await provost.run(["webhook", "test", "pager"])).toMatchObject({
      code: exitCodes.operationFailed,
      stderr: expect.stringContaining("HTTP 500"),
    });
    const list = await provost.run(["webhook", "deliveries", "pager", "--status", "failed"]);
    const id = /^(dl_\w+) +webhook\.test +failed +1 .*HTTP 500$/m.exec(list.stdout)?.[1] ?? "";
    status = 204;
    expect(await provost.run(["webhook", "redeliver", "pager", id])).toMatchObject({ code: exitCodes.done });
    await expect
      .poll(async () => (await provost.run(["webhook", "deliveries", "pager"])).stdout, { timeout: 20_000 })
      .toMatch(new RegExp(`^${id} +webhook\\.test +delivered +2 `, "m"));
    expect((await provost.run(["webhook", "list"])).stdout).toMatch(/^pager +http:/m);
    expect(await provost.run(["webhook", "remove", "pager"])).toMatchObject({ code: exitCodes.done });
    expect((await provost.run(["webhook", "list"])).stdout).toContain("Nobody is told");
  } finally {
    receiver.closeAllConnections();
    receiver.close();
  }
});
