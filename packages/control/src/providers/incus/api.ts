import { Agent, request, WebSocket } from "undici";
import type { z } from "zod";
import type { Call } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { envelope, operation, type Operation } from "./answers.ts";
import { errorOfAnswer, errorOfShape, errorOfTransport, type RequestFacts } from "./failure.ts";

export interface IncusApiOptions {
  /** Path of the daemon's unix socket. */
  socket: string;
  /** Incus' project; the server's `default` when undefined. */
  project?: string | undefined;
  /** For one request from start to the end of its answer, in ms. */
  requestTimeoutMs: number;
}

export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: Record<string, string>;
  /** The path belongs to the server, not to a project. */
  outsideProjects?: true;
  /** Sent as JSON. */
  body?: Record<string, unknown>;
}

/** An accepted change that goes on in the daemon's background. A finished one is forgotten some 5 s after its end. */
export interface AcceptedOperation {
  id: string;
  label: string;
}

/**
 * How long a change's operation is looked at before the call returns, in s; it returns at the operation's end if that comes first.
 * The daemon's 202 proves nothing: a name that is taken, a busy instance and a start that cannot succeed are told only by the
 * operation (LXD 5.0.2: within 0.1 s idle, over 1 s on a loaded machine), and a finished one is forgotten after 5 s (C7).
 */
export const GRACE_S = 3;
/** The longest answer that is read: 10,000 instances with their configuration are about 30 MB. */
const ANSWER_BYTES_MAX = 128 * 1024 * 1024;
/** Requests at the same time; more wait. */
const CONNECTIONS_MAX = 16;

/** A client of the REST API 1.0 that Incus and LXD share, over the unix socket. One attempt for each call (C4). */
export class IncusApi {
  readonly socket: string;
  readonly #project: string | undefined;
  readonly #timeoutMs: number;
  readonly #agent: Agent;

  constructor(options: IncusApiOptions) {
    this.socket = options.socket;
    this.#project = options.project;
    this.#timeoutMs = options.requestTimeoutMs;
    this.#agent = new Agent({
      connect: { socketPath: options.socket },
      connections: CONNECTIONS_MAX,
      maxResponseSize: ANSWER_BYTES_MAX,
    });
  }

  /** A request answered at once. Throws `ProviderError`. */
  async sync<T>(wanted: ApiRequest, shape: z.ZodType<T>, call: Call): Promise<T> {
    const facts = this.#facts(wanted);
    const { status, answer } = await this.#send(wanted, facts, call, this.#timeoutMs);
    const metadata = shape.safeParse(answer.metadata);
    if (!metadata.success) throw errorOfShape(facts, status, firstIssue(metadata.error));
    return metadata.data;
  }

  /** A change: answered 202 with an operation, or done already (undefined). Throws `ProviderError`. */
  async change(wanted: ApiRequest, call: Call): Promise<AcceptedOperation | undefined> {
    const facts = this.#facts(wanted);
    const { status, answer } = await this.#send(wanted, facts, call, this.#timeoutMs);
    if (answer.type === "sync") return undefined;
    const accepted = operation.safeParse(answer.metadata);
    if (!accepted.success) throw errorOfShape(facts, status, firstIssue(accepted.error));
    return { id: accepted.data.id, label: facts.label };
  }

  /**
   * Looks at an operation for at most `seconds`. True: it ended well. False: it goes on, or what became of it cannot be said
   * (it was accepted, so the instance itself tells). Throws `ProviderError` when it failed.
   */
  async settled(accepted: AcceptedOperation | undefined, seconds: number, call: Call): Promise<boolean> {
    if (accepted === undefined) return true;
    const found = await this.#wait(accepted, seconds, call);
    if (found === undefined || found.status_code < 200) return false;
    if (found.status_code === 200) return true;
    const facts = { label: accepted.label, mutates: true, socket: this.socket };
    throw errorOfAnswer(facts, { status: found.status_code, text: found.err, requestId: accepted.id });
  }

  /**
   * Opens the stream of what happens from now on, a JSON text for each; the caller closes it. Throws `ProviderError` when it
   * does not open.
   */
  async stream(onMessage: (text: string) => void, call: Call): Promise<WebSocket> {
    const facts = { label: "GET /1.0/events", mutates: false, socket: this.socket };
    const url = this.#url({ method: "GET", path: "/1.0/events", query: { type: "lifecycle" } });
    url.protocol = "ws:";
    const opened = Promise.withResolvers<void>();
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
    const socket = new WebSocket(url, { dispatcher: this.#agent });
    const fail = (cause: unknown) => opened.reject(errorOfTransport(facts, cause, this.#timeoutMs));
    const abort = () => fail(signal.reason);
    // From the start: the first message can come with the handshake.
    socket.addEventListener("message", (event) => onMessage(String(event.data)));
    socket.addEventListener("open", () => opened.resolve());
    socket.addEventListener("error", (event) => fail(event.error));
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    try {
      await opened.promise;
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async close(): Promise<void> {
    if (!this.#agent.closed) await this.#agent.close();
  }

  async #wait(accepted: AcceptedOperation, seconds: number, call: Call): Promise<Operation | undefined> {
    const path = `/1.0/operations/${accepted.id}`;
    try {
      return await this.#look(
        { method: "GET", path: `${path}/wait`, query: { timeout: String(seconds) }, outsideProjects: true },
        seconds,
        call,
      );
    } catch (error) {
      // The change itself was accepted: a lost look at it says nothing about it.
      if (!(error instanceof ProviderError)) throw error;
      if (error.httpStatus === undefined || error.httpStatus === 404) return undefined;
    }
    // LXD waits for a failed operation with 200 and the operation, Incus 6 with 500 and its error: the operation itself tells.
    try {
      return await this.#look({ method: "GET", path, outsideProjects: true }, 0, call);
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return undefined;
    }
  }

  async #look(wanted: ApiRequest, seconds: number, call: Call): Promise<Operation> {
    const facts = this.#facts(wanted);
    const { status, answer } = await this.#send(wanted, facts, call, this.#timeoutMs + seconds * 1000);
    const found = operation.safeParse(answer.metadata);
    if (!found.success) throw errorOfShape(facts, status, firstIssue(found.error));
    return found.data;
  }

  #url(wanted: ApiRequest): URL {
    const url = new URL(`http://incus${wanted.path}`);
    for (const [name, value] of Object.entries(wanted.query ?? {})) url.searchParams.set(name, value);
    if (this.#project !== undefined && wanted.outsideProjects !== true) url.searchParams.set("project", this.#project);
    return url;
  }

  #facts(wanted: ApiRequest): RequestFacts {
    return { label: `${wanted.method} ${wanted.path}`, mutates: wanted.method !== "GET", socket: this.socket };
  }

  async #send(
    wanted: ApiRequest,
    facts: RequestFacts,
    call: Call,
    timeoutMs: number,
  ): Promise<{ status: number; answer: z.infer<typeof envelope> }> {
    const url = this.#url(wanted);
    const timeout = AbortSignal.timeout(timeoutMs);
    let status: number;
    let text: string;
    try {
      const response = await request(url, {
        dispatcher: this.#agent,
        method: wanted.method,
        signal: call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]),
        ...(wanted.body === undefined
          ? {}
          : { headers: { "content-type": "application/json" }, body: JSON.stringify(wanted.body) }),
      });
      status = response.statusCode;
      text = await response.body.text();
    } catch (error) {
      throw errorOfTransport(facts, error, timeoutMs);
    }
    return { status, answer: readEnvelope(facts, status, text) };
  }
}

function readEnvelope(facts: RequestFacts, status: number, text: string): z.infer<typeof envelope> {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    if (status >= 400) throw errorOfAnswer(facts, { status, text: text.slice(0, 200) });
    throw errorOfShape(facts, status, "no JSON");
  }
  const parsed = envelope.safeParse(raw);
  if (!parsed.success) {
    if (status >= 400) throw errorOfAnswer(facts, { status, text: text.slice(0, 200) });
    throw errorOfShape(facts, status, firstIssue(parsed.error));
  }
  if (parsed.data.type === "error" || status >= 400) {
    throw errorOfAnswer(facts, { status: parsed.data.error_code || status, text: parsed.data.error ?? "" });
  }
  return parsed.data;
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? "unknown shape" : `${issue.path.join(".")}: ${issue.message}`;
}
