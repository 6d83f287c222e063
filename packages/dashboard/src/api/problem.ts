import type { Problem } from "@provost/contract";

/** What the server, or the way to it, refused: `title` says what happened, `detail` the value and the way out. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly field: string | undefined;
  readonly requestId: string | undefined;

  constructor(problem: Omit<Problem, "type">) {
    super(`${problem.title}: ${problem.detail}`);
    this.status = problem.status;
    this.code = problem.code;
    this.title = problem.title;
    this.detail = problem.detail;
    this.field = problem.field;
    this.requestId = problem.requestId;
  }
}

/** No answer at all: the server is down, or the network is. */
export function unreachable(): ApiError {
  return new ApiError({
    status: 0,
    code: "unreachable",
    title: "The server cannot be reached",
    detail: "It is asked again by itself. Check the network, and that `provost start` runs where the server lives.",
  });
}

/** Anything thrown, as something that can be shown. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError({
    status: 0,
    code: "page_broke",
    title: "This page broke",
    detail: `${error instanceof Error ? error.message : String(error)}. Reload it; if it happens again, report it.`,
  });
}

/** Asking again can help: no answer, or one that blames the server's state. */
export function isPassing(error: unknown): boolean {
  return error instanceof ApiError && (error.code === "unreachable" || error.status >= 502 || error.status === 429);
}

/** The body of a failed answer; anything that is no problem+json (a proxy's page) becomes one. */
export async function readProblem(response: Response): Promise<ApiError> {
  const requestId = response.headers.get("x-request-id") ?? undefined;
  const body: unknown = await response.json().catch(() => undefined);
  if (isProblem(body)) return new ApiError(body);
  return new ApiError({
    status: response.status,
    code: "unexpected_answer",
    title: `The server answered ${response.status}`,
    detail: "The answer is not one of Provost's: a proxy between here and there may have given it. Look at its log.",
    ...(requestId === undefined ? {} : { requestId }),
  });
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "title" in body && "detail" in body;
}
