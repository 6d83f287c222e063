import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stores } from "./stores.ts";
import { World } from "./world.ts";

const hourMs = 3_600_000;

describe.each(stores)("sessions on $name", (store) => {
  let world: World;
  beforeAll(async () => {
    world = await World.start({ store });
  });
  afterAll(() => world.stop());

  async function signedIn(name: string, expiresIn?: string) {
    const made = await world.control.tokens.create({
      name,
      role: "operator",
      ...(expiresIn === undefined ? {} : { expiresIn }),
    });
    const opened = await world.control.sessions.open(made.token, "req-1");
    return { token: made, ...(opened ?? expect.unreachable("no session")) };
  }

  test("C15: a token is exchanged for a session that acts in its name; neither is kept as it is", async () => {
    const { token, secret, session } = await signedIn("page-1");
    expect(session).toMatchObject({ name: "page-1", role: "operator" });
    expect(Date.parse(session.expiresAt) - Date.parse(session.createdAt)).toBe(7 * 24 * hourMs);
    expect(Date.parse(session.idleEndsAt) - Date.parse(session.createdAt)).toBe(12 * hourMs);
    const other = await world.beside();
    expect(await other.sessions.verify(secret)).toEqual({
      id: session.id,
      csrf: session.csrf,
      holder: { id: token.id, name: "page-1", role: "operator" },
    });
    const stored = JSON.stringify(await world.sql("select * from control_session"));
    for (const hidden of [secret, session.csrf, token.token]) expect(stored).not.toContain(hidden);
    const { items } = await world.control.audit.list({ target: session.id, limit: 9 });
    expect(items).toMatchObject([
      { action: "session.open", actor: { id: token.id, name: "page-1" }, requestId: "req-1", outcome: "done" },
    ]);
  });

  test("C15: no session for a token that opens nothing, and none behind a made-up cookie", async () => {
    expect(await world.control.sessions.open("x".repeat(40), "req-2")).toBeUndefined();
    expect(await world.control.sessions.verify("x".repeat(43))).toBeUndefined();
  });

  test("C15: it ends at once with its token, when it is closed, and stays ended", async () => {
    const { sessions, tokens } = world.control;
    const left = await signedIn("page-2");
    await tokens.revoke("page-2");
    expect(await sessions.verify(left.secret)).toBeUndefined();
    expect(await sessions.isLive(left.session.id)).toBe(false);
    const closed = await signedIn("page-3");
    expect(await sessions.isLive(closed.session.id)).toBe(true);
    await sessions.close(closed.session.id);
    expect(await sessions.verify(closed.secret)).toBeUndefined();
    expect(await tokens.verify(closed.token.token)).toBeDefined();
  });

  test("C15: it ends after 12 h without use, after 7 days with it, and with the expiry of its token", async () => {
    const { sessions } = world.control;
    const idle = await signedIn("page-4");
    const used = await signedIn("page-5");
    const short = await signedIn("page-6", "1h");
    expect(short.session.expiresAt).toBe(short.token.expiresAt);
    for (let hours = 11; hours < 7 * 24; hours += 11) {
      world.transporter.setClockOffset(hours * hourMs);
      expect(await sessions.verify(used.secret), `${hours} h`).toBeDefined();
      expect(await sessions.isLive(idle.session.id), `${hours} h`).toBe(hours === 11);
      expect(await sessions.isLive(short.session.id), `${hours} h`).toBe(false);
    }
    expect(await sessions.verify(idle.secret)).toBeUndefined();
    world.transporter.setClockOffset(7 * 24 * hourMs + 1);
    expect(await sessions.verify(used.secret)).toBeUndefined();
    await sessions.prune(await world.transporter.now());
    expect(await world.sql(`select id from control_session where id = '${used.session.id}'`)).toEqual([]);
    world.transporter.setClockOffset(0);
  });

  test("L14: a token has a hundred sessions at most; the oldest goes", async () => {
    const first = await signedIn("page-7");
    let last = first.secret;
    for (let more = 0; more < 100; more += 1) {
      last = (await world.control.sessions.open(first.token.token, "req-3"))?.secret ?? "";
    }
    expect(await world.control.sessions.verify(first.secret)).toBeUndefined();
    expect(await world.control.sessions.verify(last)).toBeDefined();
    const [count] = await world.sql(`select count(*) as n from control_session where token_id = '${first.token.id}'`);
    expect(Number(count?.["n"])).toBe(100);
  });
});
