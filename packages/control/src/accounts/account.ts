import type { Call, Provider, ProviderCapabilities } from "../providers/provider.ts";
import { Limiter } from "./limiter.ts";
import type { CallTerms, Traffic } from "./traffic.ts";

/** Calls under way to one account; its client keeps as many connections. */
const callsMax = 32;

/** One account's client with its bounds on calls: of this process here, of all hosts in its traffic (C11, C12). */
export class Account {
  readonly name: string;
  /** Of the row it was made from: a changed account gets a new client. */
  readonly version: number;
  readonly #provider: Provider;
  readonly #traffic: Pick<Traffic, "run">;
  readonly #limiter = new Limiter(callsMax);
  #retired = false;
  #closed: Promise<void> | undefined;

  constructor(name: string, version: number, provider: Provider, traffic: Pick<Traffic, "run">) {
    this.name = name;
    this.version = version;
    this.#provider = provider;
    this.#traffic = traffic;
  }

  get capabilities(): ProviderCapabilities {
    return this.#provider.capabilities;
  }

  /**
   * One call, when there is room; throws what the driver throws (`ProviderError`). A full budget and an open circuit are such
   * errors too, with the time to come back: nothing waits here for longer than this process' own calls take (L7).
   */
  async call<T>(
    fn: (provider: Provider, call: Call) => Promise<T>,
    signal?: AbortSignal,
    terms: CallTerms = {},
  ): Promise<T> {
    try {
      return await this.#limiter.run(() => this.#traffic.run((call) => fn(this.#provider, call), signal, terms));
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
