import type { NewJob } from "../transporter.ts";
import { inputSeparator } from "./sql/enqueue.ts";

/** Of inputs in one statement: the server takes 1 GB, and a text in JSON can grow by its quotes. */
export const statementCharsMax = 256 * 1024 * 1024;

/** The server looks each job's shape up among them, one after the other. */
const shapesMax = 16;

/** Nothing that another item could clash with or wait for. */
export function isPlainJob({ uniqueKey, wakeKey, limitKey }: NewJob): boolean {
  return uniqueKey === undefined && wakeKey === undefined && limitKey === undefined;
}

/** What the jobs of a batch share (name, queue, priority, …), said once for all that do; their inputs, and the shape of each. */
export class Shapes {
  readonly #shapes: NewJob[] = [];
  readonly #shapeOf: number[] = [];
  readonly #inputs: string[] = [];
  #last = -1;
  #chars = 0;

  /** False for a job that cannot be said like this: more belongs to it, hardly two are alike, or the inputs are too much for one text. */
  add(job: NewJob): boolean {
    this.#chars += job.input.length;
    if (this.#chars > statementCharsMax) return false;
    // No JSON, but whoever uses a Transporter directly may store it.
    if (!isPlainJob(job) || job.input === "" || job.input.includes(inputSeparator)) return false;
    // Nearly always as the one before it.
    if (!isOfShape(job, this.#shapes[this.#last])) {
      this.#last = this.#shapes.findIndex((known) => isOfShape(job, known));
      if (this.#last === -1) this.#last = this.#shapes.push(job) - 1;
      if (this.#last >= shapesMax) return false;
    }
    this.#inputs.push(job.input);
    this.#shapeOf.push(this.#last);
    return true;
  }

  /** As the functions of `sql/enqueue.ts` take them. `shapeOf` is null when all are of one. */
  get values(): [inputs: string, shapeOf: number[] | null, shapes: string] {
    const lines = this.#shapes.map(
      ({ name, queue, lane, priority, attempts, timeoutMs: timeout, delayMs: delay }, place) => {
        return { shape: place, name, queue, lane, priority, attempts, timeout, delay };
      },
    );
    return [this.#inputs.join(inputSeparator), lines.length === 1 ? null : this.#shapeOf, JSON.stringify(lines)];
  }
}

function isOfShape(job: NewJob, known: NewJob | undefined): boolean {
  return (
    known !== undefined &&
    job.name === known.name &&
    job.queue === known.queue &&
    job.lane === known.lane &&
    job.priority === known.priority &&
    job.attempts === known.attempts &&
    job.timeoutMs === known.timeoutMs &&
    job.delayMs === known.delayMs
  );
}
