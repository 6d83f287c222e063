import { createHash, randomBytes } from "node:crypto";
import { roles, type Role, type Session } from "@provost/contract";
import type { Selectable } from "kysely";
import { timedId } from "../ids.ts";
import type { PageDatabase, SessionTable } from "../storage/page-tables.ts";
import { iso } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";
import type { OpenedSession, SessionDoor, SessionHolder, TokenDoor } from "../surface.ts";
import { runAs, type Act } from "./acting.ts";

const hourMs = 3_600_000;
const idleMs = 12 * hourMs;
const lastsMs = 7 * 24 * hourMs;
/** Use is written at most this often for each session. */
const seenEveryMs = 60_000;
/** Of one token; the oldest go (L14). */
const sessionsMax = 100;
const secretBytes = 32;

type SessionRow = Selectable<SessionTable> & {
  token_name: string;
  token_role: string;
  token_revoked_at: number | string | null;
  token_expires_at: number | string | null;
};

/**
 * Sessions of people at the page (C15): a token is exchanged for a cookie, so that no script of a page ever holds one. A session
 * is kept as a hash, ends with its token, after 12 h without use and after 7 days, and is asked of the store each time: what was
 * ended a moment ago, on whatever server, opens nothing any more.
 */
export class SessionService implements SessionDoor {
  readonly #store: Store;
  readonly #tokens: TokenDoor;

  constructor(store: Store, tokens: TokenDoor) {
    this.#store = store;
    this.#tokens = tokens;
  }

  /** Undefined for a token that opens nothing. Told to the audit log in its name. */
  async open(token: string, requestId: string): Promise<OpenedSession | undefined> {
    const actor = await this.#tokens.verify(token);
    if (actor === undefined) return undefined;
    const now = await this.#store.now();
    const secret = randomBytes(secretBytes).toString("base64url");
    const hash = hashed(secret);
    const id = timedId("ss", now);
    const act: Act = { actor, requestId, action: "session.open", target: actor.name, lines: 0, over: false };
    await runAs(act, () =>
      this.#store.write(async (write) => {
        const db = write.db.withTables<PageDatabase>();
        const mine = db.selectFrom("control_session").where("token_id", "=", actor.id);
        const kept = mine
          .select("id")
          .orderBy("id", "desc")
          .limit(sessionsMax - 1);
        await db.deleteFrom("control_session").where("token_id", "=", actor.id).where("id", "not in", kept).execute();
        await db
          .insertInto("control_session")
          .values({ id, hash, token_id: actor.id, created_at: now, expires_at: now + lastsMs, seen_at: now })
          .execute();
        await write.audit({ at: now, action: act.action, target: { id, name: actor.name } });
      }),
    );
    const session = await this.get(secret);
    return session === undefined ? undefined : { secret, session };
  }

  /** Whose session it is; undefined for one that is unknown or over. Counts as use. */
  async verify(secret: string): Promise<SessionHolder | undefined> {
    const now = await this.#store.now();
    const row = await this.#live(secret, now);
    const role = row === undefined ? undefined : roleOf(row);
    if (row === undefined || role === undefined) return undefined;
    await this.#used(row, now);
    return { id: row.id, csrf: csrfOf(secret), holder: { id: row.token_id, name: row.token_name, role } };
  }

  async get(secret: string): Promise<Session | undefined> {
    const now = await this.#store.now();
    const row = await this.#live(secret, now);
    const role = row === undefined ? undefined : roleOf(row);
    if (row === undefined || role === undefined) return undefined;
    const expiresAt = endOf(row);
    return {
      id: row.id,
      name: row.token_name,
      role,
      csrf: csrfOf(secret),
      createdAt: iso(Number(row.created_at)),
      expiresAt: iso(expiresAt),
      idleEndsAt: iso(Math.min(Number(row.seen_at) + idleMs, expiresAt)),
    };
  }

  async isLive(id: string): Promise<boolean> {
    const row = await this.#select().where("session.id", "=", id).executeTakeFirst();
    return row !== undefined && isLive(row, await this.#store.now());
  }

  async close(id: string): Promise<void> {
    const now = await this.#store.now();
    await this.#store.write(async (write) => {
      const db = write.db.withTables<PageDatabase>();
      const ended = await db.deleteFrom("control_session").where("id", "=", id).returning("id").executeTakeFirst();
      if (ended !== undefined) {
        await write.audit({
          at: now,
          action: "session.close",
          target: { id, ...(write.by === undefined ? {} : { name: write.by }) },
        });
      }
    });
  }

  /** Takes those away that have ended. */
  async prune(now: number): Promise<void> {
    await this.#db.deleteFrom("control_session").where("expires_at", "<=", now).execute();
  }

  get #db() {
    return this.#store.db.withTables<PageDatabase>();
  }

  #select() {
    return this.#db
      .selectFrom("control_session as session")
      .innerJoin("control_access_token as token", "token.id", "session.token_id")
      .selectAll("session")
      .select([
        "token.name as token_name",
        "token.role as token_role",
        "token.revoked_at as token_revoked_at",
        "token.expires_at as token_expires_at",
      ]);
  }

  async #live(secret: string, now: number): Promise<SessionRow | undefined> {
    const row = await this.#select().where("session.hash", "=", hashed(secret)).executeTakeFirst();
    return row !== undefined && isLive(row, now) ? row : undefined;
  }

  /** Its token is in use as well: who looks for tokens to revoke sees it. */
  async #used(row: SessionRow, now: number): Promise<void> {
    const before = now - seenEveryMs;
    if (Number(row.seen_at) > before) return;
    await this.#db
      .updateTable("control_session")
      .set({ seen_at: now })
      .where("id", "=", row.id)
      .where("seen_at", "<=", before)
      .execute();
    await this.#db
      .updateTable("control_access_token")
      .set({ last_used_at: now })
      .where("id", "=", row.token_id)
      .where((eb) => eb.or([eb("last_used_at", "is", null), eb("last_used_at", "<=", before)]))
      .execute();
  }
}

function isLive(row: SessionRow, now: number): boolean {
  return row.token_revoked_at === null && endOf(row) > now && Number(row.seen_at) + idleMs > now;
}

function endOf(row: SessionRow): number {
  const tokenEnd = row.token_expires_at === null ? Number.POSITIVE_INFINITY : Number(row.token_expires_at);
  return Math.min(Number(row.expires_at), tokenEnd);
}

function roleOf(row: SessionRow): Role | undefined {
  return roles.find((each) => each === row.token_role);
}

function hashed(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Known to whoever holds the cookie's value or is answered by this server, and to nobody else; nothing more to keep. */
function csrfOf(secret: string): string {
  return createHash("sha256").update(`provost csrf ${secret}`).digest("base64url");
}
