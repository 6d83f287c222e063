import { basePath } from "../base-path.ts";
import { readProblem, unreachable } from "./problem.ts";

/** Query parameters: what is undefined or empty is left out. */
export type Params = Record<string, string | number | boolean | undefined>;

export interface Call {
  params?: Params;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** The same key asks for the same thing, however often it is sent. */
  idempotencyKey?: string;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

let whenSignedOut: () => void = () => {};

/** Told when an answer says that the session is no more. */
export function onSignedOut(listener: () => void): void {
  whenSignedOut = listener;
}

/** An answer said that the session is no more. */
export function signedOut(): void {
  whenSignedOut();
}

/** Address of a route of the API, under the path that the page was served from. */
export function apiUrl(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== "" && value !== false) query.set(name, String(value));
  }
  const text = query.toString();
  return `${basePath}v1/${path}${text === "" ? "" : `?${text}`}`;
}

let csrf = "";

/** What proves to the server that a request comes from this page: its session's, sent along with all that is no GET. */
export function setCsrf(value: string): void {
  csrf = value;
}

/** @throws ApiError for every answer that is not 2xx, and for none at all. AbortError is passed on. */
async function call<T>(method: Method, path: string, { params, body, signal, idempotencyKey }: Call = {}): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (method !== "GET") headers["x-provost-csrf"] = csrf;
  if (body !== undefined) headers["content-type"] = "application/json";
  if (idempotencyKey !== undefined) headers["idempotency-key"] = idempotencyKey;
  const response = await fetch(apiUrl(path, params), {
    method,
    headers,
    credentials: "same-origin",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw unreachable();
  });
  if (response.status === 401) signedOut();
  if (!response.ok) throw await readProblem(response);
  const answer: unknown = response.status === 204 ? undefined : await response.json();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's own tests hold it to the contract
  return answer as T;
}

export const api = {
  get: <T>(path: string, options?: Call) => call<T>("GET", path, options),
  post: <T>(path: string, body?: unknown, options?: Call) => call<T>("POST", path, { ...options, body }),
  put: <T>(path: string, body: unknown, options?: Call) => call<T>("PUT", path, { ...options, body }),
  patch: <T>(path: string, body: unknown, options?: Call) => call<T>("PATCH", path, { ...options, body }),
  delete: <T>(path: string, options?: Call) => call<T>("DELETE", path, options),
};

/** Part of a path, whatever it has in it. */
export const part = encodeURIComponent;
