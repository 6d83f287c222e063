import { exitCodes, jobSchema, pageSchema, queueSchema } from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Provost, type Running } from "./provost.ts";

const provost = new Provost();
let server: Running;

beforeAll(async () => {
  server = provost.begin(["start", "--no-first-deploy"]);
  await server.says("Ctrl-C stops everything");
  expect(await provost.run(["deploy", "web-1", "--provider", "sandbox"])).toMatchObject({ code: exitCodes.done });
});
afterAll(() => provost.dispose());

describe("C14 L15 jobs at the command", () => {
  test("are listed, shown and explained; what their state does not allow is refused with the reason", async () => {
    const listed = await provost.run(["job", "list", "--status", "processed", "--limit", "500", "--json"]);
    const { items } = pageSchema(jobSchema).parse(JSON.parse(listed.stdout));
    const create = items.find(({ name }) => name === "instance.create");
    expect(create, items.map(({ name }) => name).join()).toBeDefined();
    const id = create?.id ?? "";
    expect((await provost.run(["job", "list", "--name", "instance.create"])).stdout).toMatch(
      new RegExp(`^${id} +instance\\.create +processed `, "m"),
    );
    const shown = await provost.run(["job", "show", id]);
    expect(shown.stdout).toMatch(/^instance\.create \d+\n {2}Status {4}processed$/m);
    expect((await provost.run(["job", "why", id])).stdout).toMatch(/^It was processed .* ago\.\n$/);
    const refused = await provost.run(["job", "retry", id]);
    expect(refused).toMatchObject({ code: exitCodes.conflict });
    expect(refused.stderr).toMatch(/\[job_refused\]\n$/);
    expect(await provost.run(["job", "show", "99999999"])).toMatchObject({ code: exitCodes.notFound });
    expect((await provost.run(["job", "list", "--name", "nobody"])).stdout).toBe("No job fits.\n");
  });

  test("queues are listed, paused and resumed", async () => {
    const listed = await provost.run(["queue", "list", "--json"]);
    const [queue] = pageSchema(queueSchema).parse(JSON.parse(listed.stdout)).items;
    const name = queue?.name ?? "";
    expect((await provost.run(["queue", "pause", name])).stdout).toBe(`✓ Queue ${name} starts no more jobs.\n`);
    expect((await provost.run(["queue", "list"])).stdout).toMatch(new RegExp(`^${name} +paused `, "m"));
    expect((await provost.run(["queue", "resume", name])).stdout).toBe(`✓ Queue ${name} starts jobs again.\n`);
    expect(await provost.run(["queue", "pause", "none"])).toMatchObject({ code: exitCodes.notFound });
  });
});
