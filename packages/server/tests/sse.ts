/** One message of server-sent events. */
export interface Message {
  event: string;
  id: number | undefined;
  data: unknown;
}

/** Reads a stream of server-sent events until told to stop. */
export class SseReader {
  readonly messages: Message[] = [];
  #text = "";
  readonly #reader: ReadableStreamDefaultReader<string>;

  constructor(response: Response) {
    if (response.body === null) throw new TypeError("the response has no body");
    this.#reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Resolves with all messages once these satisfy; also when the stream ends. */
  async until(satisfied: (messages: Message[]) => boolean): Promise<Message[]> {
    while (!satisfied(this.messages)) if (!(await this.#more())) break;
    return this.messages;
  }

  async ended(): Promise<Message[]> {
    return this.until(() => false);
  }

  /** As a lost connection. */
  async cut(): Promise<void> {
    await this.#reader.cancel();
  }

  /** Of one kind, all arrays together. */
  of<T>(event: string): T[] {
    return this.messages.filter((each) => each.event === event).flatMap(({ data }) => data as T[]);
  }

  get lastId(): number | undefined {
    return this.messages.findLast(({ id }) => id !== undefined)?.id;
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#reader.read();
    if (done) return false;
    const blocks = (this.#text + value).split("\n\n");
    this.#text = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      const [event, data, id] = [field("event"), field("data"), field("id")];
      if (event === undefined || data === undefined) continue;
      this.messages.push({ event, data: JSON.parse(data), id: id === undefined ? undefined : Number(id) });
    }
    return true;
  }
}
