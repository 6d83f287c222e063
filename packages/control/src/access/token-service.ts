import { createHash, randomBytes } from "node:crypto";
import {
  namePattern,
  nameRule,
  parseDuration,
  ProvostError,
  roles,
  type CreatedToken,
  type Listed,
  type Role,
  type TokenRequest,
  type TokenView,
} from "@provost/contract";
import type { Selectable } from "kysely";
import { timedId } from "../ids.ts";
import { instant, iso } from "../storage/rows.ts";
import type { AccessTokenTable } from "../storage/schema.ts";
import type { Store } from "../storage/store.ts";
import type { TokenDoor, TokenHolder } from "../surface.ts";

/** Last use is written at most this often for each token. */
const useEveryMs = 60_000;
/** The name of the data folder's token, which is nobody else's. */
const adminName = "admin";
/** Shorter ones could be guessed. */
const tokenCharactersMin = 24;
const tokenBytes = 32;
const dayMs = 86_400_000;
const expiryMs = { min: 60_000, max: 3_660 * dayMs } as const;

/** Access tokens of people and programs: 256 random bits, kept as a hash, never as they are (C15). */
export class TokenService implements TokenDoor {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Makes this the deployment's admin token; an earlier one is revoked. Throws `config_invalid` for a weak one. */
  async ensureAdmin(token: string): Promise<void> {
    if (token.length < tokenCharactersMin) {
      throw new ProvostError(
        "config_invalid",
        `The admin token has ${token.length} characters: it needs ${tokenCharactersMin} at least. Remove its file and start again.`,
      );
    }
    const hash = hashed(token);
    const now = await this.#store.now();
    await this.#store.write(async (write) => {
      const ended = await write.db
        .updateTable("control_access_token")
        .set({ revoked_at: now })
        .where("name", "=", adminName)
        .where("hash", "<>", hash)
        .where("revoked_at", "is", null)
        .returning("id")
        .execute();
      const mine = timedId("tk", now);
      const { id } = await write.db
        .insertInto("control_access_token")
        .values({ id: mine, name: adminName, role: "admin", hash, created_at: now })
        .onConflict((conflict) => conflict.column("hash").doUpdateSet({ revoked_at: null }))
        .returning("id")
        .executeTakeFirstOrThrow();
      const line = { at: now, after: { role: "admin" } };
      for (const old of ended) {
        await write.audit({ ...line, action: "token.revoke", target: { id: old.id, name: adminName } });
      }
      if (id === mine || ended.length > 0) {
        await write.audit({ ...line, action: "token.create", target: { id, name: adminName } });
      }
    });
  }

  /** Asked of the store each time: what was revoked a moment ago, on whatever server, opens nothing any more. */
  async verify(token: string): Promise<TokenHolder | undefined> {
    const found = await this.#store.db
      .selectFrom("control_access_token")
      .selectAll()
      .where("hash", "=", hashed(token))
      .executeTakeFirst();
    const role = roles.find((each) => each === found?.role);
    if (found === undefined || role === undefined) return undefined;
    const now = await this.#store.now();
    if (statusOf(found, now) !== "active") return undefined;
    await this.#used(found, now);
    return { id: found.id, name: found.name, role };
  }

  async isLive(id: string): Promise<boolean> {
    const found = await this.#byId(id);
    return found !== undefined && statusOf(found, await this.#store.now()) === "active";
  }

  /** @throws ProvostError `invalid_name`, `invalid_request` for the duration, `token_exists`. */
  async create(request: TokenRequest): Promise<CreatedToken> {
    const { name, role } = request;
    const lastsMs = checkedExpiry(request.expiresIn);
    checkName(name);
    const token = `pvt_${randomBytes(tokenBytes).toString("base64url")}`;
    const now = await this.#store.now();
    const saved = await this.#store.write(async (write) => {
      const row = await write.db
        .insertInto("control_access_token")
        .values({
          id: timedId("tk", now),
          name,
          role,
          hash: hashed(token),
          created_at: now,
          created_by: write.by ?? null,
          expires_at: lastsMs === undefined ? null : now + lastsMs,
        })
        .onConflict((conflict) => conflict.doNothing())
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) throw taken(name);
      const { id, expiresAt } = tokenView(row, now);
      await write.audit({ at: now, action: "token.create", target: { id, name }, after: { role, expiresAt } });
      return row;
    });
    return { ...tokenView(saved, now), token };
  }

  async list(query: { after?: string; limit: number }): Promise<Listed<TokenView>> {
    let select = this.#store.db
      .selectFrom("control_access_token")
      .selectAll()
      .orderBy("id", "desc")
      .limit(query.limit + 1);
    if (query.after !== undefined) select = select.where("id", "<", query.after);
    const [rows, now] = await Promise.all([select.execute(), this.#store.now()]);
    const items = rows.slice(0, query.limit).map((row) => tokenView(row, now));
    const last = items.at(-1);
    return rows.length > query.limit && last !== undefined ? { items, next: last.id } : { items };
  }

  /** A revoked one is answered as it stands. @throws ProvostError `token_not_found`, `admin_token_kept`. */
  async revoke(ref: string): Promise<TokenView> {
    const found = (await this.#byId(ref)) ?? (await this.#byName(ref));
    if (found === undefined) {
      throw new ProvostError(
        "token_not_found",
        `There is no token ${JSON.stringify(ref.slice(0, 80))}: \`provost token list\` shows them.`,
        { field: "token" },
      );
    }
    const now = await this.#store.now();
    if (found.revoked_at !== null) return tokenView(found, now);
    if (found.name === adminName) {
      throw new ProvostError(
        "admin_token_kept",
        "This is the token of the file admin-token in the data folder: remove that file and restart the server, which makes a new one and ends this.",
      );
    }
    await this.#store.write(async (write) => {
      const changed = await write.db
        .updateTable("control_access_token")
        .set({ revoked_at: now })
        .where("id", "=", found.id)
        .where("revoked_at", "is", null)
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) return;
      await write.audit({
        at: now,
        action: "token.revoke",
        target: { id: found.id, name: found.name },
        before: { status: statusOf(found, now), role: found.role },
        after: { status: "revoked", role: found.role },
      });
    });
    return tokenView({ ...found, revoked_at: now }, now);
  }

  #byId(id: string): Promise<TokenRow | undefined> {
    return this.#store.db.selectFrom("control_access_token").selectAll().where("id", "=", id).executeTakeFirst();
  }

  #byName(name: string): Promise<TokenRow | undefined> {
    return this.#store.db
      .selectFrom("control_access_token")
      .selectAll()
      .where("name", "=", name)
      .where("revoked_at", "is", null)
      .executeTakeFirst();
  }

  async #used(row: TokenRow, now: number): Promise<void> {
    const before = instant(row.last_used_at);
    if (before !== null && now - before < useEveryMs) return;
    await this.#store.db
      .updateTable("control_access_token")
      .set({ last_used_at: now })
      .where("id", "=", row.id)
      .where((eb) => eb.or([eb("last_used_at", "is", null), eb("last_used_at", "<=", now - useEveryMs)]))
      .execute();
  }
}

type TokenRow = Selectable<AccessTokenTable>;

function tokenView(row: TokenRow, now: number): TokenView {
  const [expiresAt, lastUsedAt, revokedAt] = [row.expires_at, row.last_used_at, row.revoked_at].map(instant);
  return {
    id: row.id,
    name: row.name,
    role: roleOf(row),
    status: statusOf(row, now),
    createdAt: iso(Number(row.created_at)),
    ...(row.created_by === null ? {} : { createdBy: row.created_by }),
    ...(expiresAt == null ? {} : { expiresAt: iso(expiresAt) }),
    ...(lastUsedAt == null ? {} : { lastUsedAt: iso(lastUsedAt) }),
    ...(revokedAt == null ? {} : { revokedAt: iso(revokedAt) }),
  };
}

/** What a later version wrote and this one does not know opens nothing, and shows as the least. */
function roleOf(row: TokenRow): Role {
  return roles.find((each) => each === row.role) ?? "viewer";
}

function statusOf(row: TokenRow, now: number): TokenView["status"] {
  if (row.revoked_at !== null) return "revoked";
  return row.expires_at !== null && Number(row.expires_at) <= now ? "expired" : "active";
}

function checkName(name: string): void {
  if (!namePattern.test(name)) {
    throw new ProvostError("invalid_name", `${JSON.stringify(name.slice(0, 80))} is no name: ${nameRule}.`, {
      field: "name",
    });
  }
  if (name === adminName) throw taken(name);
}

function checkedExpiry(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= expiryMs.min && ms <= expiryMs.max) return ms;
  throw new ProvostError(
    "invalid_request",
    `expiresIn is ${JSON.stringify(text.slice(0, 80))}: give a duration from 1m to ${expiryMs.max / dayMs}d, like 12h or 90d.`,
    { field: "expiresIn" },
  );
}

function taken(name: string): ProvostError {
  return new ProvostError(
    "token_exists",
    `A token ${JSON.stringify(name)} exists: choose another name, or revoke that one first.`,
    { field: "name" },
  );
}

function hashed(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
