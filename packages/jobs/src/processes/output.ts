import type { Readable } from "node:stream";
import { keptText } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { OutputStream } from "./process.ts";

/**
 * What an isolated process prints while it runs one attempt, line by line, within the limits: the first
 * `limits.outputLinesMax` are told, the last `limits.outputTailBytesMax` bytes are kept for a failure.
 */
export class AttemptOutput {
  readonly #tell: (stream: OutputStream, line: string) => void;
  readonly #mark: string;
  readonly #partial: Record<OutputStream, string> = { stdout: "", stderr: "" };
  readonly #open = new Set<OutputStream>(["stdout", "stderr"]);
  readonly #closed = Promise.withResolvers<void>();
  readonly #tail: string[] = [];
  #tailLength = 0;
  #lines = 0;

  /** @param mark the line that says: all that this attempt has printed is before it. */
  constructor(mark: string, tell: (stream: OutputStream, line: string) => void) {
    this.#mark = mark;
    this.#tell = tell;
  }

  /** Resolves when both streams have shown the mark or ended. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  write(stream: OutputStream, text: string): void {
    if (!this.#open.has(stream)) return;
    const lines = (this.#partial[stream] + text).split("\n");
    this.#partial[stream] = lines.pop() ?? "";
    for (const line of lines) {
      if (line.endsWith(this.#mark)) {
        this.#partial[stream] = line.slice(0, -this.#mark.length);
        this.end(stream);
        return;
      }
      this.#line(stream, line);
    }
    // A line without an end is cut where it is as long as one may be.
    if (this.#partial[stream].length > limits.outputLineBytesMax + this.#mark.length) {
      this.#line(stream, this.#partial[stream]);
      this.#partial[stream] = "";
    }
  }

  /** Nothing more of this attempt comes from the stream. */
  end(stream: OutputStream): void {
    if (!this.#open.delete(stream)) return;
    if (this.#partial[stream] !== "") this.#line(stream, this.#partial[stream]);
    if (this.#open.size === 0) this.#closed.resolve();
  }

  /** The last lines of both streams; undefined when nothing was printed. */
  get tail(): string | undefined {
    return this.#tail.length === 0 ? undefined : keptText(this.#tail.join("\n")).slice(-limits.outputTailBytesMax);
  }

  #line(stream: OutputStream, whole: string): void {
    const line = keptText(whole.slice(0, limits.outputLineBytesMax).replace(/\r$/, ""));
    this.#tail.push(line);
    this.#tailLength += line.length + 1;
    while (this.#tail.length > 1 && this.#tailLength > limits.outputTailBytesMax) {
      this.#tailLength -= (this.#tail.shift()?.length ?? 0) + 1;
    }
    this.#lines += 1;
    if (this.#lines <= limits.outputLinesMax) this.#tell(stream, line);
    if (this.#lines === limits.outputLinesMax + 1) {
      this.#tell(stream, `(more than ${limits.outputLinesMax} lines, limits.outputLinesMax: the rest is not told)`);
    }
  }
}

/** Calls back with the stream's text, and once at its end. */
export function readText(stream: Readable, heard: (text: string) => void, ended: () => void): void {
  stream.setEncoding("utf8");
  stream.on("data", heard);
  stream.once("end", ended);
  stream.once("error", ended);
}
