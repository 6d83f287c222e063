import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stores } from "./stores.ts";
import { World } from "./world.ts";

const dayMs = 86_400_000;

describe.each(stores)("access tokens on $name", (store) => {
  let world: World;
  beforeAll(async () => {
    world = await World.start({ store });
  });
  afterAll(() => world.stop());

  test("C15: a token is shown once and kept as a hash; it is listed with role, maker, expiry and last use", async () => {
    const { tokens } = world.control;
    const made = await tokens.create({ name: "ci-1", role: "operator", expiresIn: "90d" });
    expect(made.token).toMatch(/^pvt_[\w-]{43}$/);
    expect(Date.parse(made.expiresAt ?? "") - Date.parse(made.createdAt)).toBe(90 * dayMs);
    expect(await tokens.verify(made.token)).toEqual({ id: made.id, name: "ci-1", role: "operator" });
    const { items } = await tokens.list({ limit: 500 });
    const listed = items.find(({ id }) => id === made.id);
    expect(listed).toMatchObject({ name: "ci-1", role: "operator", status: "active" });
    expect(listed?.lastUsedAt).toBeDefined();
    const stored = JSON.stringify([items, await world.sql("select * from control_access_token")]);
    expect(stored).not.toContain(made.token);
    expect(stored).not.toContain(made.token.slice(4));
  });

  test("C15: revoked means at once, also for another server on the store; its name is free again", async () => {
    const { tokens } = world.control;
    const made = await tokens.create({ name: "leaver", role: "viewer" });
    expect(await tokens.isLive(made.id)).toBe(true);
    const other = await world.beside();
    expect(await other.tokens.verify(made.token)).toBeDefined();
    expect(await tokens.revoke("leaver")).toMatchObject({ id: made.id, status: "revoked" });
    expect(await other.tokens.verify(made.token)).toBeUndefined();
    expect(await tokens.isLive(made.id)).toBe(false);
    expect((await tokens.create({ name: "leaver", role: "viewer" })).id).not.toBe(made.id);
    // The old one's id still means the old one.
    expect(await tokens.revoke(made.id)).toMatchObject({ id: made.id, status: "revoked" });
    expect((await tokens.list({ limit: 500 })).items.filter(({ name }) => name === "leaver")).toHaveLength(2);
  });

  test("C15: a token ends at its expiry, by the store's clock", async () => {
    const { tokens } = world.control;
    const made = await tokens.create({ name: "short-1", role: "viewer", expiresIn: "1h" });
    world.transporter.setClockOffset(59 * 60_000);
    expect(await tokens.verify(made.token)).toBeDefined();
    world.transporter.setClockOffset(61 * 60_000);
    expect(await tokens.verify(made.token)).toBeUndefined();
    expect((await tokens.list({ limit: 500 })).items.find(({ id }) => id === made.id)?.status).toBe("expired");
    world.transporter.setClockOffset(0);
  });

  test.each<[string, object, string]>([
    ["bad name", { name: "No Name" }, "invalid_name"],
    ["the data folder's name", { name: "admin" }, "token_exists"],
    ["no duration", { expiresIn: "soon" }, "invalid_request"],
    ["too short a life", { expiresIn: "1s" }, "invalid_request"],
    ["too long a life", { expiresIn: "9999d" }, "invalid_request"],
  ])("C14: %s is refused", async (_what, change, code) => {
    const request = { name: "fresh", role: "viewer" as const, ...change };
    await expect(world.control.tokens.create(request)).rejects.toMatchObject({ code });
    expect((await world.control.tokens.list({ limit: 500 })).items.map(({ name }) => name)).not.toContain("fresh");
  });

  test("C14: of ten concurrent tokens of one name one is made", async () => {
    const made = await Promise.allSettled(
      Array.from({ length: 10 }, () => world.control.tokens.create({ name: "race-1", role: "viewer" })),
    );
    expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const each of made)
      if (each.status === "rejected") expect(each.reason).toMatchObject({ code: "token_exists" });
  });

  test("C14: the list comes page by page", async () => {
    const { tokens } = world.control;
    const all = await tokens.list({ limit: 500 });
    const paged: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await tokens.list({ limit: 2, ...(after === undefined ? {} : { after }) });
      paged.push(...page.items.map(({ id }) => id));
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(paged).toEqual(all.items.map(({ id }) => id));
    expect(paged.length).toBeGreaterThan(2);
  });

  test("C15: the data folder's token is not revoked by hand, and unknown ones are told", async () => {
    const { tokens } = world.control;
    const told = async (): Promise<string[]> =>
      (await world.control.audit.list({ target: "admin", limit: 9 })).items.map(({ action }) => action);
    await tokens.ensureAdmin("b".repeat(32));
    await tokens.ensureAdmin("b".repeat(32));
    expect(await told()).toEqual(["token.create"]);
    await tokens.ensureAdmin("a".repeat(32));
    expect(await told()).toEqual(["token.create", "token.revoke", "token.create"]);
    expect(await tokens.verify("b".repeat(32))).toBeUndefined();
    await expect(tokens.revoke("admin")).rejects.toMatchObject({ code: "admin_token_kept" });
    expect(await tokens.verify("a".repeat(32))).toMatchObject({ role: "admin" });
    await expect(tokens.revoke("nobody")).rejects.toMatchObject({ code: "token_not_found" });
  });
});
