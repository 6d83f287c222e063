import { createServer, type Server } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { listen } from "./loopback.ts";
import { EventStream, type StreamTimes } from "../src/http/event-stream.ts";

interface Line {
  seq: number;
  text: string;
}

let http: Server | undefined;
afterEach(async () => {
  http?.closeAllConnections();
  await new Promise((resolve) => http?.close(resolve));
});

/** A stream over a list that the test grows, and the client's end of it. */
async function open(lines: Line[], times: Pick<StreamTimes, "heartbeatMs" | "pollMs">, after = 0) {
  let stream!: EventStream<Line>;
  let reads = 0;
  http = createServer((_request, response) => {
    stream = new EventStream(
      response,
      (last) => {
        reads += 1;
        return Promise.resolve(lines.filter(({ seq }) => seq > last).slice(0, 2));
      },
      after,
    );
    void stream.run(times);
  });
  const port = await listen(http);
  const response = await fetch(`http://127.0.0.1:${port}/`);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const until = async (sign: string): Promise<string> => {
    while (!text.includes(sign)) {
      const { done, value } = await reader.read();
      if (done) break;
      text += value;
    }
    return text;
  };
  return { stream: () => stream, until, reads: () => reads, text: () => text };
}

const never = 2_147_483_647;

describe("event stream", () => {
  test("what another server wrote shows at the next look, without a hint", async () => {
    const lines: Line[] = [{ seq: 1, text: "first" }];
    const client = await open(lines, { heartbeatMs: never, pollMs: 5 });
    await client.until("first");
    lines.push({ seq: 2, text: "from elsewhere" });
    expect(await client.until("from elsewhere")).toContain('id: 2\ndata: {"seq":2,"text":"from elsewhere"}\n\n');
  });

  test("hints without news send nothing; each line comes once, in order, past the batch size", async () => {
    const lines: Line[] = [1, 2, 3, 4, 5].map((seq) => ({ seq, text: `line-${seq}` }));
    const client = await open(lines, { heartbeatMs: never, pollMs: never }, 1);
    await client.until("line-5");
    for (let hints = 0; hints < 10; hints += 1) client.stream().hint();
    lines.push({ seq: 9, text: "last" });
    client.stream().hint();
    await client.until("last");
    const ids = [...client.text().matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual([2, 3, 4, 5, 9]);
  });

  test("a silent stream says that it lives, and ends when it is closed", async () => {
    const client = await open([], { heartbeatMs: 5, pollMs: never });
    await client.until(": still here");
    client.stream().close();
    await client.until("a sign that never comes");
    expect(client.text()).not.toContain("data:");
  });
});
