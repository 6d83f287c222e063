import type { NewItem } from "../transporter.ts";
import { limits } from "../../core/limits.ts";
import { type Added, jobsOf, packed, unpacked } from "./operations/items.ts";
import type { Reply, Request } from "./protocol.ts";

type Enqueue = Extract<Request, { op: "enqueue" }>;

/**
 * Enqueues that wait side by side go as one: fifty producers' jobs are one text, one statement and one answer (59 → 20 µs of CPU an
 * enqueue, on a busy machine). Their order among the other requests stays. Each is still all or nothing by itself: when what
 * they made together is refused, each is asked again alone.
 */
export class Coalesced {
  readonly #parts = new Map<number, Enqueue[]>();

  /** What to send in place of these. */
  join(requests: readonly Request[]): Request[] {
    const sent: Request[] = [];
    for (let from = 0; from < requests.length;) {
      const group = neighbours(requests, from);
      const [first] = group;
      from += Math.max(1, group.length);
      const request = requests[from - 1];
      if (first === undefined) {
        if (request !== undefined) sent.push(request);
        continue;
      }
      if (group.length > 1) this.#parts.set(first.id, group);
      // Unpacked until here, as they were asked.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const items = group.flatMap((each) => each.args[0] as NewItem[]);
      sent.push({ ...first, args: [packed(items)] });
    }
    return sent;
  }

  /** Answers of the single ones; `alone`: those to be asked again. */
  split(reply: Reply): { replies: Reply[]; alone: Request[] } {
    const parts = this.#parts.get(reply.id);
    if (parts === undefined) return { replies: [reply], alone: [] };
    this.#parts.delete(reply.id);
    if ("error" in reply) {
      const stopped = "code" in reply.error && reply.error.code.startsWith("store_");
      if (!stopped) return { replies: [], alone: parts };
      return { replies: parts.map(({ id }) => ({ id, error: reply.error })), alone: [] };
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the answer of an enqueue
    const added = unpacked(reply.value as Added[]);
    let at = 0;
    const replies = parts.map(({ id, args }): Reply => ({ id, value: added.slice(at, (at += args[0].length)) }));
    return { replies, alone: [] };
  }
}

/** Enqueues from here on that can go as one; empty when the first is something else. */
function neighbours(requests: readonly Request[], from: number): Enqueue[] {
  const group: Enqueue[] = [];
  let jobs = 0;
  for (let at = from; at < requests.length; at += 1) {
    const request = requests[at];
    if (request?.op !== "enqueue") break;
    const [first] = group;
    const items = request.args[0];
    jobs += items.reduce((sum, item) => sum + jobsOf(item), 0);
    const joins = request.tx === undefined && first?.tx === undefined && jobs <= limits.enqueueJobsMax;
    if (first !== undefined && !(joins && first.clockOffsetMs === request.clockOffsetMs)) break;
    group.push(request);
  }
  return group;
}
