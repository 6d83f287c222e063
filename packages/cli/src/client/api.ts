import { errorKinds, problemSchema, ProvostError, type ErrorCode } from "@provost/contract";
import type { z } from "zod";

const answerWithinMs = 60_000;

/** A server's address and the token for it. */
export interface Connection {
  url: string;
  token: string;
  /** Said when nothing answers: how this address was found, and what to do. */
  wayOut: string;
}

/** The HTTP API, as the commands use it. Every failure is a `ProvostError` with the code that the server gave. */
export class Api {
  readonly connection: Connection;
  readonly #signal: AbortSignal;

  /** @param signal ends every call. */
  constructor(connection: Connection, signal: AbortSignal) {
    this.connection = connection;
    this.#signal = signal;
  }

  async get<T>(path: string, answer: z.ZodType<T>): Promise<T> {
    return this.#read(await this.send("GET", path), answer);
  }

  async post<T>(path: string, body: unknown, answer: z.ZodType<T>, headers: Record<string, string> = {}): Promise<T> {
    return this.#read(await this.send("POST", path, { body, headers }), answer);
  }

  async put<T>(path: string, body: unknown, answer: z.ZodType<T>): Promise<T> {
    return this.#read(await this.send("PUT", path, { body }), answer);
  }

  async delete<T>(path: string, answer: z.ZodType<T>): Promise<T> {
    return this.#read(await this.send("DELETE", path), answer);
  }

  /**
   * One request; resolves for 2xx only.
   *
   * @throws ProvostError the server's own code, or `server_unavailable` when there was no answer: its cause tells whether
   *   the request may have arrived (`wasSent`).
   */
  async send(
    method: string,
    path: string,
    { body, headers, signal }: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
  ): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${this.connection.url}${path}`, {
        method,
        redirect: "error",
        headers: {
          authorization: `Bearer ${this.connection.token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        signal: signal ?? AbortSignal.any([this.#signal, AbortSignal.timeout(answerWithinMs)]),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw this.noAnswer(error);
    }
    if (!response.ok) throw await refusal(response, this.connection.url);
    return response;
  }

  noAnswer(error: unknown): ProvostError {
    const timedOut = error instanceof Error && error.name === "TimeoutError";
    const what = timedOut ? `No answer within ${answerWithinMs / 1000} s from` : "No server answers at";
    return new ProvostError("server_unavailable", `${what} ${this.connection.url}. ${this.connection.wayOut}`, {
      cause: error,
    });
  }

  async #read<T>(response: Response, answer: z.ZodType<T>): Promise<T> {
    let body: unknown;
    try {
      body = await response.json();
    } catch (error) {
      throw this.noAnswer(error);
    }
    const read = answer.safeParse(body);
    if (read.success) return read.data;
    throw new ProvostError(
      "internal",
      `The answer of ${response.url} is not what this command knows. Is the server of another version?`,
      {
        cause: read.error,
      },
    );
  }
}

/** False when certainly nothing was sent: the connection was refused, or there was no way to the host. */
export function wasSent(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return !["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"].includes(code);
}

async function refusal(response: Response, url: string): Promise<ProvostError> {
  const problem = problemSchema.safeParse(await response.json().catch(() => undefined));
  if (!problem.success) {
    return new ProvostError(
      "server_unavailable",
      `What answers at ${url} is not Provost (HTTP ${response.status}). Check --url.`,
    );
  }
  const { code, detail, field } = problem.data;
  return new ProvostError(isKnown(code) ? code : "internal", detail, field === undefined ? {} : { field });
}

function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(errorKinds, code);
}
