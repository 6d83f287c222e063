import type { Catalog } from "@provost/contract";
import type { Account } from "./account.ts";

interface Kept {
  version: number;
  catalog: Catalog;
  /** By this process's clock: it is compared with nothing from elsewhere. */
  at: number;
}

/** A catalog has hundreds of rows: this many accounts' are kept. */
const accountsMax = 100;

/**
 * What each account offers: asked for once at a time, kept for `freshMs`, and used beyond that while the provider cannot
 * be asked, so that an outage does not refuse deploys: whoever reads it is told so (`stale`).
 */
export class CatalogCache {
  readonly #freshMs: number;
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<Kept>>();

  constructor(freshMs: number) {
    this.#freshMs = freshMs;
  }

  /** `maxAgeMs` 0 asks again. Throws `ProviderError` when nothing is kept and the provider cannot be asked. */
  async get(account: Account, maxAgeMs = this.#freshMs): Promise<Catalog> {
    const kept = this.#kept.get(account.name);
    const usable = kept?.version === account.version ? kept : undefined;
    if (usable !== undefined && performance.now() - usable.at < maxAgeMs) return usable.catalog;
    try {
      return (await this.#ask(account)).catalog;
    } catch (error) {
      if (usable === undefined) throw error;
      return { ...usable.catalog, stale: error instanceof Error ? error.message : String(error) };
    }
  }

  /** What is kept is asked for again at the next use; until then it stands in while the provider cannot be asked. */
  forget(account: string): void {
    const kept = this.#kept.get(account);
    if (kept !== undefined) kept.at = -Infinity;
  }

  #ask(account: Account): Promise<Kept> {
    const key = `${account.name}@${account.version}`;
    const asking = this.#asking.get(key) ?? this.#fetch(account).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  async #fetch(account: Account): Promise<Kept> {
    const [regions, types, images] = await Promise.all([
      account.call((provider, call) => provider.regions(call), undefined, { group: "collections" }),
      account.call((provider, call) => provider.types(call), undefined, { group: "collections" }),
      account.call((provider, call) => provider.images(call), undefined, { group: "images" }),
    ]);
    const catalog = { asOf: new Date().toISOString(), regions, types, images };
    const kept = { version: account.version, catalog, at: performance.now() };
    this.#kept.delete(account.name);
    this.#kept.set(account.name, kept);
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size > accountsMax && oldest !== undefined) this.#kept.delete(oldest);
    return kept;
  }
}
