import { ProvostError, type AuditEntry } from "@provost/contract";
import { JobManager } from "@provost/jobs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { TokenHolder } from "../src/index.ts";
import { Store } from "../src/storage/store.ts";
import { stores } from "./stores.ts";
import { sandboxToken, World } from "./world.ts";

const ada: TokenHolder = { id: "tk_ada0000000", name: "ada", role: "admin" };
const bob: TokenHolder = { id: "tk_bob0000000", name: "bob", role: "operator" };
const dayMs = 86_400_000;

describe.each(stores)("the audit log on $name", (store) => {
  let world: World;
  beforeAll(async () => {
    world = await World.start({ store });
  });
  afterAll(() => world.stop());

  /** As the server does it for a request. */
  async function as<T>(
    actor: TokenHolder,
    action: string,
    target: string,
    run: () => Promise<T>,
  ): Promise<T | ProvostError> {
    const { audit } = world.control;
    const act = audit.begin(actor, { action, target, requestId: `req-${target}` });
    try {
      const result = await audit.run(act, run);
      await audit.end(act);
      return result;
    } catch (error) {
      if (!(error instanceof ProvostError)) throw error;
      await audit.end(act, error);
      return error;
    }
  }

  async function lines(query: { actor?: string; action?: string; target?: string }): Promise<AuditEntry[]> {
    return (await world.control.audit.list({ ...query, limit: 500 })).items;
  }

  test("C15: a deploy's line says who, what, after, request; its secrets are masked", async () => {
    const script = "#!/bin/sh\nexport KEY=very-secret-value\n";
    await as(bob, "instance.deploy", "web-1", () => world.deploy("web-1", { script }));
    const { id } = await world.until("web-1", "provisioned");
    const [line, ...more] = await lines({ target: "web-1" });
    expect(more).toEqual([]);
    expect(line).toMatchObject({
      actor: { id: bob.id, name: "bob", role: "operator" },
      action: "instance.deploy",
      target: { id, name: "web-1" },
      after: { name: "web-1", provider: "sandbox", region: "us-east", script: "[secret]" },
      outcome: "done",
      requestId: "req-web-1",
    });
    await as(ada, "provider.add", "other", () =>
      world.control.providers.add({
        name: "other",
        driver: "linode",
        endpoint: world.sandbox.url,
        token: sandboxToken,
      }),
    );
    expect(await lines({ target: "other" })).toMatchObject([{ outcome: "done", after: { credential: "[secret]" } }]);
    const stored = JSON.stringify(await world.sql("select * from control_audit"));
    expect(stored).not.toContain("very-secret-value");
    expect(stored).not.toContain(sandboxToken);
  });

  test("C15: a destroy says before and after; once more changes nothing, and is told as that", async () => {
    await world.deploy("web-2");
    const { id } = await world.until("web-2", "provisioned");
    await as(ada, "instance.destroy", "web-2", () => world.control.instances.destroy("web-2"));
    await as(bob, "instance.destroy", id, () => world.control.instances.destroy(id));
    const [again, first] = await lines({ target: id, action: "instance.destroy" });
    expect(first).toMatchObject({
      actor: { name: "ada" },
      before: { status: "provisioned" },
      after: { status: "destroying", task: "destroy" },
      outcome: "done",
    });
    expect(again).toMatchObject({ actor: { name: "bob" }, outcome: "unchanged" });
    await world.until(id, "destroyed");
  });

  test("C15: what is undone leaves no line but its refusal: ten deploys of one name, one done, nine refused", async () => {
    await Promise.all(
      Array.from({ length: 10 }, () => as(bob, "instance.deploy", "race-1", () => world.deploy("race-1"))),
    );
    const told = await lines({ target: "race-1" });
    expect(told.filter(({ outcome }) => outcome === "done")).toHaveLength(1);
    const refused = told.filter(({ outcome }) => outcome === "refused");
    expect(refused).toHaveLength(9);
    for (const each of refused) expect(each).toMatchObject({ code: "name_taken", actor: { name: "bob" } });
    await world.until("race-1", "provisioned");
  });

  test("C15: a transaction that is rolled back takes its line with it", async () => {
    const before = await lines({});
    const act = world.control.audit.begin(ada, { action: "token.create", requestId: "req-roll" });
    const undone = world.control.audit.run(act, () =>
      new Store(world.transporter).write(async (write) => {
        await write.audit({ at: 0, action: "token.create", target: { name: "rolled" } });
        throw new ProvostError("internal", "undone");
      }),
    );
    await expect(undone).rejects.toThrow("undone");
    expect(act.lines).toBe(0);
    expect(await lines({})).toEqual(before);
  });

  test("C15: many at once are each told in their own name", async () => {
    const { tokens } = world.control;
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const actor = index % 2 === 0 ? ada : bob;
        const name = `t-${actor.name}-${index}`;
        return as(actor, "token.create", name, () => tokens.create({ name, role: "viewer" }));
      }),
    );
    for (const { name } of [ada, bob]) {
      const made = (await lines({ actor: name, action: "token.create" })).map(({ target }) => target.name ?? "");
      expect(made.filter((each) => each.startsWith(`t-${name}-`))).toHaveLength(10);
      expect(made.every((each) => each.startsWith(`t-${name}-`))).toBe(true);
    }
    const { items } = await tokens.list({ limit: 500 });
    expect(items.find(({ name }) => name === "t-bob-1")?.createdBy).toBe("bob");
  });

  test("C15: what the server does by itself is told in its own name", async () => {
    await world.control.tokens.create({ name: "unasked", role: "viewer" });
    const [line] = await lines({ target: "unasked" });
    expect(line).toMatchObject({ actor: { name: "provost" }, outcome: "done" });
    expect(line?.actor.id).toBeUndefined();
  });

  test("C14: filters and pages, newest first", async () => {
    const all = await lines({});
    expect(all.map(({ seq }) => seq)).toEqual(all.map(({ seq }) => seq).toSorted((one, other) => other - one));
    const paged: number[] = [];
    for (let after: string | undefined; ;) {
      const page = await world.control.audit.list({ limit: 7, ...(after === undefined ? {} : { after }) });
      paged.push(...page.items.map(({ seq }) => seq));
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(paged).toEqual(all.map(({ seq }) => seq));
    const mine = await lines({ actor: ada.id });
    expect(mine.length).toBeGreaterThan(3);
    expect(mine).toEqual(all.filter(({ actor }) => actor.id === ada.id));
    expect(await lines({ actor: "nobody" })).toEqual([]);
    await expect(world.control.audit.list({ limit: 1, after: "x" })).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("C15: lines end with their age, auditKeptMs, by the schedule control.retention", async () => {
    const clerk = new JobManager({ transporter: world.transporter });
    world.transporter.setClockOffset(364 * dayMs);
    await world.control.tokens.create({ name: "late", role: "viewer" });
    world.transporter.setClockOffset(366 * dayMs);
    await clerk.schedules.run("control.retention");
    await vi.waitFor(async () => expect(await lines({})).toMatchObject([{ target: { name: "late" } }]), {
      timeout: 60_000,
    });
    world.transporter.setClockOffset(0);
  });
});
