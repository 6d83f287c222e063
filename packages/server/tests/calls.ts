import { problemSchema } from "@provost/contract";
import { expect } from "vitest";
import type { z } from "zod";
import type { Running } from "./running.ts";

/** Calls of the API whose answers are checked against their schemas. */
export class Calls {
  readonly #running: () => Running;

  /** The server may be started later than this is made. */
  constructor(running: () => Running) {
    this.#running = running;
  }

  async get<T>(schema: z.ZodType<T>, path: string): Promise<T> {
    return this.#answer(schema, "GET", path);
  }

  async post<T>(schema: z.ZodType<T>, path: string, body?: object): Promise<T> {
    return this.#answer(schema, "POST", path, body);
  }

  async refused(method: string, path: string, body?: object): Promise<z.infer<typeof problemSchema>> {
    return problemSchema.parse(await (await this.#running().call(method, path, body)).json());
  }

  async #answer<T>(schema: z.ZodType<T>, method: string, path: string, body?: object): Promise<T> {
    const answer = await this.#running().call(method, path, body);
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    return schema.parse(JSON.parse(text));
  }
}
