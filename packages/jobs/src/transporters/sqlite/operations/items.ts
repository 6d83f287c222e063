import type { Enqueued, NewItem, NewJob } from "../../transporter.ts";

/** Jobs that differ by their inputs only: one statement adds them all. `inputs`: JSON text, an array of their JSON texts. */
export interface JobRun {
  like: NewJob;
  count: number;
  inputs: string;
}

export type Item = NewItem | JobRun;

/** A run's ids follow each other. */
export type Added = Enqueued | { first: number; count: number };

/** A longer input is kept apart from the job's row (`hot-schema.ts`), and such a job comes alone. */
export const inputLengthMax = 2_000;
export const insertInputSql = "INSERT INTO jobs_input (id, input) VALUES (?, ?)";

/** Runs of at least so many are worth their text. */
const runMin = 2;

/** Jobs that an item adds at most: what ids are set aside for. */
export function jobsOf(item: Item): number {
  if ("like" in item) return item.count;
  return "job" in item ? 1 : item.flow.jobs.length + (item.flow.onFailed === undefined ? 0 : 1);
}

/** What the event loop sends: a thousand like jobs as one text, and not as a thousand objects to be cloned. */
export function packed(items: readonly NewItem[]): Item[] {
  const sent: Item[] = [];
  for (let from = 0; from < items.length;) {
    const item = items[from];
    const end = runEnd(items, from);
    if (item !== undefined && "job" in item && end - from >= runMin) {
      const inputs = items.slice(from, end).map((each) => ("job" in each ? each.job.input : ""));
      sent.push({ like: { ...item.job, input: "" }, count: end - from, inputs: JSON.stringify(inputs) });
    } else sent.push(...items.slice(from, end));
    from = end;
  }
  return sent;
}

/** One answer for each item. */
export function unpacked(added: readonly Added[]): Enqueued[] {
  return added.flatMap((each): Enqueued | Enqueued[] =>
    "first" in each
      ? Array.from({ length: each.count }, (_, at) => ({ state: "added", ids: [String(each.first + at)] }))
      : each,
  );
}

function runEnd(items: readonly NewItem[], from: number): number {
  const first = items[from];
  let end = from + 1;
  if (first === undefined || !("job" in first) || !isRunnable(first.job)) return end;
  for (let next = items[end]; next !== undefined && "job" in next && isLike(first.job, next.job); next = items[end])
    end += 1;
  return end;
}

function isRunnable({ input, uniqueKey, wakeKey, limitKey }: NewJob): boolean {
  return input.length <= inputLengthMax && uniqueKey === undefined && wakeKey === undefined && limitKey === undefined;
}

function isLike(a: NewJob, b: NewJob): boolean {
  return (
    a.name === b.name &&
    a.queue === b.queue &&
    a.lane === b.lane &&
    a.priority === b.priority &&
    a.attempts === b.attempts &&
    a.timeoutMs === b.timeoutMs &&
    a.delayMs === b.delayMs &&
    isRunnable(b)
  );
}
