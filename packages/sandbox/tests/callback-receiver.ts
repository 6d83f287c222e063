import { createServer, type Server } from "node:http";
import { once } from "node:events";

export interface ReceivedReport {
  path: string;
  authorization: string | undefined;
  body: { stage: string; step?: string; exit_code?: number; log?: string };
}

/** A throwaway server on a free port that pretend guests report to. */
export class CallbackReceiver {
  readonly reports: ReceivedReport[] = [];
  /** Connections seen: keep-alive shows as few. */
  connections = 0;
  /** Requests under way at once, at most. */
  busiest = 0;
  /** Decides the status of an answer; 0 cuts the connection. */
  answer: (report: ReceivedReport) => number | Promise<number> = () => 204;
  readonly #server: Server;
  #underWay = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.busiest = Math.max(this.busiest, ++this.#underWay);
      response.once("close", () => this.#underWay--);
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const report: ReceivedReport = {
          path: request.url ?? "",
          authorization: request.headers.authorization,
          body: JSON.parse(Buffer.concat(chunks).toString()),
        };
        this.reports.push(report);
        void Promise.resolve(this.answer(report)).then((status) => {
          if (status === 0) request.socket.destroy();
          else response.writeHead(status).end();
        });
      });
    });
    this.#server.on("connection", () => this.connections++);
  }

  static async start(): Promise<CallbackReceiver> {
    const receiver = new CallbackReceiver();
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new TypeError(`not listening: ${address}`);
    return `http://127.0.0.1:${address.port}/callback`;
  }

  /** The stages reported so far, by token when one is given. */
  stages(token?: string): string[] {
    return this.reports
      .filter((report) => token === undefined || report.authorization === `Bearer ${token}`)
      .map((report) => report.body.stage);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}
