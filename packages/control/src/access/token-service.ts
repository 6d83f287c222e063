import { createHash } from "node:crypto";
import { ProvostError } from "@provost/contract";
import { randomText } from "../ids.ts";
import { sameText } from "../seal.ts";
import type { Store } from "../storage/store.ts";
import type { TokenDoor, TokenRole } from "../surface.ts";

/** Last use is written at most this often for each token. */
const useEveryMs = 60_000;
const adminName = "admin";
/** Shorter ones could be guessed. */
const tokenCharactersMin = 24;
const roles: Readonly<Record<string, TokenRole>> = { viewer: "viewer", operator: "operator", admin: "admin" };

/** Access tokens of people and programs: kept as a hash, never as they are (C15). */
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
    await this.#store.write(async ({ db }) => {
      await db
        .updateTable("control_access_token")
        .set({ revoked_at: now })
        .where("name", "=", adminName)
        .where("hash", "<>", hash)
        .where("revoked_at", "is", null)
        .execute();
      await db
        .insertInto("control_access_token")
        .values({ id: `tk_${randomText(12)}`, name: adminName, role: "admin", hash, created_at: now })
        .onConflict((conflict) => conflict.column("hash").doUpdateSet({ revoked_at: null }))
        .execute();
    });
  }

  /** Whose token it is; undefined for unknown and revoked ones. */
  async verify(token: string): Promise<{ id: string; name: string; role: TokenRole } | undefined> {
    const hash = hashed(token);
    const found = await this.#store.db
      .selectFrom("control_access_token")
      .selectAll()
      .where("hash", "=", hash)
      .where("revoked_at", "is", null)
      .executeTakeFirst();
    const role = found === undefined ? undefined : roles[found.role];
    if (found === undefined || role === undefined || !sameText(found.hash, hash)) return undefined;
    await this.#used(found.id, found.last_used_at === null ? null : Number(found.last_used_at));
    return { id: found.id, name: found.name, role };
  }

  async #used(id: string, lastUsedAt: number | null): Promise<void> {
    const now = await this.#store.now();
    if (lastUsedAt !== null && now - lastUsedAt < useEveryMs) return;
    await this.#store.db
      .updateTable("control_access_token")
      .set({ last_used_at: now })
      .where("id", "=", id)
      .where((eb) => eb.or([eb("last_used_at", "is", null), eb("last_used_at", "<=", now - useEveryMs)]))
      .execute();
  }
}

function hashed(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
