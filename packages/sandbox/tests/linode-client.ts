import { expect } from "vitest";

export const TOKEN = "test-token";

export interface Answer {
  status: number;
  headers: Headers;
  // The tests look into answers of many shapes.
  body: any;
}

/** Calls a sandbox as a Linode client would. */
export class LinodeClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
  }

  get(path: string, filter?: unknown): Promise<Answer> {
    return this.call("GET", path, undefined, filter === undefined ? {} : { "x-filter": JSON.stringify(filter) });
  }

  post(path: string, body?: unknown): Promise<Answer> {
    return this.call("POST", path, body);
  }

  /** Creates an instance that must be accepted; returns its id. */
  async create(label: string, fields: Record<string, unknown> = {}): Promise<number> {
    const answer = await this.post("/v4/linode/instances", createBody(label, fields));
    expect(answer.body).toMatchObject({ label, status: "provisioning" });
    return answer.body.id;
  }

  async status(id: number): Promise<string | undefined> {
    const answer = await this.get(`/v4/linode/instances/${id}`);
    return answer.status === 404 ? undefined : answer.body.status;
  }
}

export function createBody(label: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    label,
    region: "us-east",
    type: "g6-nanode-1",
    image: "linode/debian12",
    root_pass: "correct horse battery",
    ...fields,
  };
}

/** The user data of a script that reports to `url`, with more lines. */
export function userData(url: string, token: string, ...lines: string[]): { metadata: { user_data: string } } {
  const script = [
    "#!/bin/sh",
    `PROVOST_CALLBACK_URL='${url}'`,
    `PROVOST_CALLBACK_TOKEN='${token}'`,
    "PROVOST_INSTANCE_ID='i-1'",
    ...lines,
    "",
  ].join("\n");
  return { metadata: { user_data: Buffer.from(script).toString("base64") } };
}

/** Asks until the condition holds; fails after 25 s with what was last seen. Waits on I/O, asserts no duration. */
export async function until<Value>(
  look: () => Value | Promise<Value>,
  holds: (value: Value) => boolean,
): Promise<Value> {
  const deadline = performance.now() + 25_000;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (performance.now() > deadline) expect.fail(`still ${JSON.stringify(value)} after 25 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
