import type { Call, Provider, ProviderCapabilities } from "../providers/provider.ts";
import { Limiter } from "./limiter.ts";

/** Calls under way to one account; its client keeps as many connections. */
const callsMax = 32;

/** One account's client with its bound on calls (C11). */
export class Account {
  readonly name: string;
  /** Of the row it was made from: a changed account gets a new client. */
  readonly version: number;
  readonly #provider: Provider;
  readonly #limiter = new Limiter(callsMax);
  #retired = false;
  #closed: Promise<void> | undefined;

  constructor(name: string, version: number, provider: Provider) {
    this.name = name;
    this.version = version;
    this.#provider = provider;
  }

  get capabilities(): ProviderCapabilities {
    return this.#provider.capabilities;
  }

  /** One call, when there is room; throws what the driver throws (`ProviderError`). */
  async call<T>(fn: (provider: Provider, call: Call) => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await this.#limiter.run(() => fn(this.#provider, signal === undefined ? {} : { signal }));
    } finally {
      if (this.#retired && this.#limiter.running === 0) void this.close();
    }
  }

  /** Takes no new work; closed when the last call has ended, so that no create is cut off by a changed credential. */
  retire(): void {
    this.#retired = true;
    if (this.#limiter.running === 0) void this.close();
  }

  close(): Promise<void> {
    this.#closed ??= this.#provider.close();
    return this.#closed;
  }
}
