import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { Agent, request } from "undici";
import type { AddressRule } from "./address-rule.ts";

/** Looks a name up: all of its addresses. */
export type Resolve = (host: string) => Promise<LookupAddress[]>;

export interface PostmanOptions {
  rule: AddressRule;
  /** One attempt, from the first byte to the last. */
  timeoutMs: number;
  /** For tests; the system's by default. */
  resolve?: Resolve | undefined;
}

/** What came of one attempt. */
export interface Answer {
  /** 2xx, and nothing else. */
  taken: boolean;
  /** Absent where there was no answer. */
  status?: number;
  /** First characters of the answer, or why there was none. */
  text: string;
}

/** Bounds of one attempt (L14). */
const bounds = { connectMs: 5_000, shownCharacters: 500, connections: 4 } as const;

/** The address is none that a webhook may reach. */
class AddressRefused extends Error {
  override readonly name = "AddressRefused";
  readonly code = "address_refused";
}

/**
 * Carries deliveries to their receivers. A name is looked up for each connection, every address of it is checked, and the
 * connection goes to a checked one: a name that is changed between check and call (DNS rebinding) gains nothing. Redirects
 * are not followed, and no proxy is asked.
 */
export class Postman {
  readonly #rule: AddressRule;
  readonly #timeoutMs: number;
  readonly #resolve: Resolve;
  readonly #agents: Record<"http:" | "https:", Agent>;

  constructor({ rule, timeoutMs, resolve = resolveAll }: PostmanOptions) {
    this.#rule = rule;
    this.#timeoutMs = timeoutMs;
    this.#resolve = resolve;
    this.#agents = { "http:": this.#agent(false), "https:": this.#agent(true) };
  }

  /** Never throws for what the receiver does; for what `signal` says it does. */
  async deliver(url: URL, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<Answer> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    try {
      const { dispatcher, refusal } = this.#road(url);
      if (refusal !== undefined) return { taken: false, text: refusal };
      const answer = await request(url, {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": "provost-webhooks", ...headers },
        body,
        dispatcher,
        signal: AbortSignal.any([signal, timeout]),
      });
      const text = await firstCharacters(answer.body);
      const { statusCode: status } = answer;
      if (status >= 300 && status < 400) return { taken: false, status, text: `Redirects are not followed. ${text}` };
      return { taken: status >= 200 && status < 300, status, text };
    } catch (error) {
      signal.throwIfAborted();
      return { taken: false, text: timeout.aborted ? `No answer within ${this.#timeoutMs / 1_000} s.` : reason(error) };
    }
  }

  /** Why nothing would be sent to this address now, or undefined; for telling it when a webhook is made. */
  async refusal(url: URL): Promise<string | undefined> {
    const { refusal } = this.#road(url);
    if (refusal !== undefined || isIP(bare(url.hostname)) !== 0) return refusal;
    try {
      await this.#checked(url.hostname, url.protocol === "https:");
      return undefined;
    } catch (error) {
      return reason(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#agents).map((agent) => agent.destroy()));
  }

  /** An address that is written as such is not looked up, so it is checked here. */
  #road(url: URL): { dispatcher: Agent; refusal?: string } {
    const tls = url.protocol === "https:";
    const dispatcher = this.#agents[tls ? "https:" : "http:"];
    const host = bare(url.hostname);
    if (isIP(host) === 0 || this.#rule.allows(host, tls)) return { dispatcher };
    return { dispatcher, refusal: closed(host, host, tls).message };
  }

  #agent(tls: boolean): Agent {
    const lookup: LookupFunction = (host, options, done) => {
      this.#checked(host, tls).then(
        (found) => {
          const [first] = found;
          if (options.all === true || first === undefined) done(null, found);
          else done(null, first.address, first.family);
        },
        (error: unknown) => done(error instanceof Error ? error : new AddressRefused(String(error)), []),
      );
    };
    return new Agent({
      connect: { timeout: bounds.connectMs, lookup },
      connections: bounds.connections,
      pipelining: 1,
      headersTimeout: this.#timeoutMs,
      bodyTimeout: this.#timeoutMs,
    });
  }

  async #checked(host: string, tls: boolean): Promise<LookupAddress[]> {
    const found = await this.#resolve(host);
    const refused = found.find(({ address }) => !this.#rule.allows(address, tls));
    if (refused !== undefined) throw closed(host, refused.address, tls);
    return found;
  }
}

function resolveAll(host: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    systemLookup(host, { all: true, verbatim: true }, (error, found) =>
      error === null ? resolve(found) : reject(error),
    );
  });
}

function closed(host: string, address: string, tls: boolean): AddressRefused {
  const what = host === address ? address : `${host} is ${address}, which`;
  return new AddressRefused(
    tls
      ? `${what} is no public address: allow it with PROVOST_WEBHOOK_ALLOW, or use a public one.`
      : `${what} may be reached over https only, unless PROVOST_WEBHOOK_ALLOW has it.`,
  );
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** Leaving the loop ends the answer: nobody can make us read without end. What comes after the status does not change it. */
async function firstCharacters(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length >= bounds.shownCharacters) break;
    }
  } catch (error) {
    text += ` (cut off: ${reason(error)})`;
  }
  // NUL is the one character that PostgreSQL does not take.
  return text.slice(0, bounds.shownCharacters).replaceAll("\0", "\uFFFD");
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Nothing listens there.",
  ENOTFOUND: "That host name is not known.",
  EAI_AGAIN: "That host name cannot be looked up now.",
  EHOSTUNREACH: "There is no way to that host.",
  ENETUNREACH: "There is no way to that network.",
  ECONNRESET: "The connection was cut off.",
  UND_ERR_SOCKET: "The connection was cut off.",
  UND_ERR_CONNECT_TIMEOUT: `No connection within ${bounds.connectMs / 1_000} s.`,
};

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? String(error.code) : "";
  return words[code] ?? error.message.slice(0, bounds.shownCharacters);
}
