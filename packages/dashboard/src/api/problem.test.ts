import { expect, test } from "vitest";
import { asApiError, isPassing, readProblem, unreachable } from "./problem.ts";

test("problem+json is shown in the server's own words", async () => {
  const problem = {
    type: "urn:x",
    title: "The name is taken",
    status: 409,
    detail: "web-1 is taken.",
    code: "name_taken",
  };
  expect(await readProblem(Response.json(problem, { status: 409 }))).toMatchObject({
    title: "The name is taken",
    detail: "web-1 is taken.",
    code: "name_taken",
    status: 409,
  });
});

test("a proxy's page says where it may come from, with the request's id", async () => {
  const answer = new Response("<html>", { status: 502, headers: { "x-request-id": "req-1" } });
  expect(await readProblem(answer)).toMatchObject({ code: "unexpected_answer", status: 502, requestId: "req-1" });
});

test("only what can pass is asked again", () => {
  expect(isPassing(unreachable())).toBe(true);
  expect(isPassing(asApiError(new TypeError("x")))).toBe(false);
  expect(isPassing(new TypeError("x"))).toBe(false);
});
