import { Agent, request, type Dispatcher } from "undici";
import type { z } from "zod";
import type { Call } from "../provider.ts";
import { refused, unanswered, unreadable, type Asked } from "./classify.ts";
import { bucketOf, readingOf } from "./rate.ts";
import { errorsSchema } from "./shapes.ts";

export interface ClientOptions {
  /** With or without the version: `https://api.linode.com` or `…/v4`. */
  endpoint: string;
  token: string;
  /** One call, from the first byte to the last. */
  requestTimeoutMs: number;
}

/** Bounds of one account's client (C11, L14). */
const bounds = {
  connectionsMax: 32,
  keepAliveMs: 30_000,
  connectMs: 5_000,
  /** A page of 500 instances is some 600 kB. */
  answerBytesMax: 16 * 1_048_576,
} as const;

interface Sending {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  query?: Record<string, string | number>;
  /** Linode's `X-Filter`. */
  filter?: object;
  body?: object;
  call: Call;
}

/** Exactly one HTTP request for each call; nothing is ever sent again from here (C4). */
export class LinodeClient {
  readonly #base: string;
  readonly #token: string;
  readonly #timeoutMs: number;
  readonly #agent: Agent;

  constructor(options: ClientOptions) {
    const trimmed = options.endpoint.replace(/\/+$/, "");
    this.#base = /\/v4(beta)?$/.test(trimmed) ? trimmed : `${trimmed}/v4`;
    this.#token = options.token;
    this.#timeoutMs = options.requestTimeoutMs;
    this.#agent = new Agent({
      connections: bounds.connectionsMax,
      pipelining: 1,
      keepAliveTimeout: bounds.keepAliveMs,
      connect: { timeout: bounds.connectMs },
      headersTimeout: options.requestTimeoutMs,
      bodyTimeout: options.requestTimeoutMs,
    });
  }

  /** The answer's body read by `schema`. Throws `ProviderError` and nothing else. */
  async send<T extends z.ZodType>(asked: Asked, sending: Sending, schema: T): Promise<z.infer<T>> {
    const { answer, text } = await this.#exchange(asked, sending);
    const bucket = bucketOf(sending.method, sending.path, sending.query?.["page"] !== undefined);
    sending.call.onRate?.(readingOf(answer, bucket, Date.now()));
    const requestId = header(answer, "x-request-id") ?? header(answer, "x-linode-request-id");
    if (answer.statusCode < 200 || answer.statusCode > 299) {
      const first = firstError(text);
      throw refused(asked, {
        httpStatus: answer.statusCode,
        reason: first?.reason ?? (text.slice(0, 200).trim() || "no reason given"),
        field: first?.field ?? undefined,
        requestId,
        retryAfter: header(answer, "retry-after"),
      });
    }
    const parsed = schema.safeParse(parseJson(text));
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw unreadable(
        asked,
        `${issue?.path.join(".") || "body"}: ${issue?.message ?? "not JSON"}`,
        requestId,
        undefined,
      );
    }
    return parsed.data;
  }

  async #exchange(asked: Asked, sending: Sending): Promise<{ answer: Dispatcher.ResponseData; text: string }> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const given = sending.call.signal;
    const signal = given === undefined ? timeout : AbortSignal.any([given, timeout]);
    try {
      const answer = await request(this.#base + sending.path, {
        dispatcher: this.#agent,
        method: sending.method,
        signal,
        headers: {
          authorization: `Bearer ${this.#token}`,
          accept: "application/json",
          "user-agent": "provost",
          ...(sending.body === undefined ? {} : { "content-type": "application/json" }),
          ...(sending.filter === undefined ? {} : { "x-filter": JSON.stringify(sending.filter) }),
        },
        ...(sending.query === undefined ? {} : { query: sending.query }),
        ...(sending.body === undefined ? {} : { body: JSON.stringify(sending.body) }),
      });
      return { answer, text: await boundedText(answer) };
    } catch (cause) {
      if (cause instanceof AnswerTooLarge) throw unreadable(asked, cause.message, undefined, cause);
      throw unanswered(asked, this.#base, cause);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

class AnswerTooLarge extends RangeError {
  readonly code = "answer_too_large";
}

async function boundedText(answer: Dispatcher.ResponseData): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bounds.answerBytesMax) {
      throw new AnswerTooLarge(`more than ${bounds.answerBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function header(answer: Dispatcher.ResponseData, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function firstError(text: string): { reason: string; field?: string | null | undefined } | undefined {
  const parsed = errorsSchema.safeParse(parseJson(text));
  return parsed.success ? parsed.data.errors[0] : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
