import { request } from "node:http";
import { inject } from "vitest";

export class DaemonRefused extends Error {
  override readonly name = "DaemonRefused";
}

/** One call of the daemon's own API, past Provost: what the proofs hold its word against. Waits for background operations. */
export async function daemonCall<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await send(method, path, body);
  if (answer.type === "error") throw new DaemonRefused(`${method} ${path}: ${answer.error}`);
  if (answer.type !== "async") return answer.metadata as T;
  const done = await send("GET", `${answer.operation}/wait?timeout=60`);
  const operation = done.metadata as { status_code: number; err: string };
  if (operation.status_code !== 200) throw new DaemonRefused(`${method} ${path}: ${operation.err}`);
  return operation as T;
}

interface Answer {
  type: "sync" | "async" | "error";
  metadata?: unknown;
  operation?: string;
  error?: string;
}

function send(method: string, path: string, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath: inject("socket"), path, method, headers: { "content-type": "application/json" } },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk));
        response.on("end", () => resolve(JSON.parse(text) as Answer));
      },
    );
    call.once("error", reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
