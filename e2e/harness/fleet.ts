import { setTimeout as pause } from "node:timers/promises";
import type { Catalog, Instance, Listed } from "@provost/contract";
import { RequestRefused, type Provost } from "./provost.ts";
import type { SandboxCloud } from "./sandbox.ts";

/** Requests under way at once, as of a few impatient scripts. */
const clients = 16;
/** A server that is dead is asked again this soon. */
const againMs = 250;

/** Many instances on one account of a sandbox, asked for over HTTP and watched there. */
export class Fleet {
  readonly names: readonly string[];
  readonly #provost: Provost;
  readonly #provider: string;
  /** Ids that were answered, by name. */
  readonly accepted = new Map<string, string>();
  /** Requests that had to be sent again. */
  repeated = 0;

  constructor(provost: Provost, provider: string, count: number) {
    this.#provost = provost;
    this.#provider = provider;
    this.names = Array.from({ length: count }, (_, index) => `${provider}-${index}`);
  }

  /** Adds the account, with its first region and type as defaults. */
  static async on(provost: Provost, cloud: SandboxCloud, provider: string, count: number): Promise<Fleet> {
    const account = { name: provider, driver: "linode", endpoint: cloud.url, token: cloud.token };
    await provost.post("/v1/providers", { ...account, defaults: { region: "us-east", type: "g6-nanode-1" } });
    await provost.get<Catalog>(`/v1/providers/${provider}/catalog`);
    return new Fleet(provost, provider, count);
  }

  /** Each request carries its idempotency key and is sent again until it is answered, as a careful client does. */
  async deploy(script?: (index: number) => string | undefined): Promise<void> {
    const left = [...this.names.entries()].toReversed();
    const client = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await this.#ask(next[1], script?.(next[0]));
    };
    await Promise.all(Array.from({ length: clients }, client));
  }

  /** All of them, whatever their state. */
  async instances(): Promise<Instance[]> {
    const all: Instance[] = [];
    let after = "";
    for (;;) {
      const page: Listed<Instance> = await this.#patiently(() =>
        this.#provost.get(`/v1/instances?all=true&limit=500${after}`),
      );
      all.push(...page.items.filter(({ provider }) => provider === this.#provider));
      if (page.next === undefined) return all;
      after = `&after=${encodeURIComponent(page.next)}`;
    }
  }

  async #ask(name: string, script: string | undefined): Promise<void> {
    const body = { name, provider: this.#provider, ...(script === undefined ? {} : { script }) };
    const { id } = await this.#patiently(() => this.#provost.post<Instance>("/v1/instances", body, name));
    this.accepted.set(name, id);
  }

  async #patiently<T>(request: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await request();
      } catch (error) {
        // No answer at all, or 503: to be sent again. What is refused stays refused.
        if (error instanceof RequestRefused && error.status < 500) throw error;
        this.repeated += 1;
        await pause(againMs);
      }
    }
  }
}
