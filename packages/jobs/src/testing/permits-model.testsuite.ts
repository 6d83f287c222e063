import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAdmitted } from "../core/permits.ts";
import type { PermitAnswer } from "../transporters/permits.ts";
import { Fixture, one, type TransporterSuite, modelMsMax } from "./fixture.ts";

const leaseMs = 10_000;
/** Two of them are within a lease, three are past it: real time may pass by a second beside. */
const stepMs = 4_000;
const names = [
  { name: "one", permits: 1 },
  { name: "two", permits: 2 },
] as const;
const tickets = 6;

type Act =
  | { act: "ask" | "release" | "renew"; ticket: number; name: number; wait: boolean }
  | { act: "time"; steps: number };

interface Row {
  ticket: number;
  held: boolean;
  until: number;
}

/** A semaphore's line as the law has it: pure, in the order of coming. */
class Line {
  rows: Row[] = [];
  readonly permits: number;

  constructor(permits: number) {
    this.permits = permits;
  }

  ask(ticket: number, now: number, wait: boolean): string {
    this.rows = this.rows.filter(({ until }) => until > now);
    const own = this.rows.find((row) => row.ticket === ticket);
    if (own?.held === true) {
      own.until = now + leaseMs;
      return "held";
    }
    const others = this.rows.filter((row) => row !== own);
    const before = own === undefined ? this.rows : this.rows.slice(0, this.rows.indexOf(own));
    const ahead = before.filter(({ held }) => !held).length;
    const held = others.filter((row) => row.held).length;
    if (isAdmitted(this.permits, held, ahead)) {
      if (own === undefined) this.rows.push({ ticket, held: true, until: now + leaseMs });
      else Object.assign(own, { held: true, until: now + leaseMs });
      return "held";
    }
    if (!wait) return "taken";
    if (own === undefined) this.rows.push({ ticket, held: false, until: now + leaseMs });
    else if (own.until - now < leaseMs / 2) own.until = now + leaseMs;
    return `waiting ${ahead}`;
  }

  release(ticket: number): boolean {
    const there = this.rows.some((row) => row.ticket === ticket);
    this.rows = this.rows.filter((row) => row.ticket !== ticket);
    return there;
  }

  /** Who would be granted a permit by asking now. */
  next(now: number): number[] {
    const alive = this.rows.filter(({ until }) => until > now);
    const waiting = alive.filter(({ held }) => !held);
    const held = alive.length - waiting.length;
    return waiting.filter((_, ahead) => isAdmitted(this.permits, held, ahead)).map((row) => row.ticket);
  }

  renew(ticket: number, now: number): string {
    const own = this.rows.find((row) => row.ticket === ticket && row.held);
    if (own === undefined) return "lost";
    own.until = now + leaseMs;
    return "renewed";
  }
}

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constantFrom("ask", "ask", "ask", "release", "renew"),
      ticket: fc.nat(tickets - 1),
      name: fc.nat(names.length - 1),
      wait: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("time" as const), steps: fc.integer({ min: 1, max: 3 }) }) },
);

/** L12: any sequence of acts has in the store the outcome that it has in the law; what holds is never more than permitted. */
export function permitsModelSuite(suite: TransporterSuite): void {
  describe(`${suite.name}: semaphores against the law (L12)`, () => {
    const store = new Fixture(suite);
    let run = 0;

    async function play(acts: readonly Act[]): Promise<void> {
      run += 1;
      let now = 0;
      store.setClock(0);
      let lastFence = 0;
      const lines = names.map(({ permits }) => new Line(permits));
      const fences = new Map<string, number>();
      const { permits } = store.transporter;
      for (const each of acts) {
        if (each.act === "time") {
          now += each.steps * stepMs;
          store.setClock(now);
          continue;
        }
        const { name, permits: count } = names[each.name] ?? names[0];
        const line = lines[each.name] ?? new Line(count);
        const ticket = store.key(`${run} ${name} ${each.ticket}`);
        if (each.act === "release") {
          const there = line.release(each.ticket);
          const { released, next } = await permits.release([ticket]);
          expect(released).toEqual([there]);
          const expected = there ? line.next(now) : [];
          expect(next.map((seen) => seen.ticket)).toEqual(expected.map((id) => store.key(`${run} ${name} ${id}`)));
        } else if (each.act === "renew") {
          expect(await permits.renew([{ ticket, leaseMs }])).toEqual([line.renew(each.ticket, now)]);
        } else {
          const wasHeld = line.rows.some((row) => row.ticket === each.ticket && row.held && row.until > now);
          const holder = { host: "h", process: "p" };
          const request = {
            name: store.key(`${run} ${name}`),
            permits: count,
            ticket,
            leaseMs,
            wait: each.wait,
            holder,
          };
          const answer = one(await permits.acquire([request]));
          expect(textOf(answer)).toBe(line.ask(each.ticket, now, each.wait));
          if (answer.state === "held") {
            if (wasHeld) expect(answer.fence).toBe(fences.get(ticket));
            else expect(answer.fence).toBeGreaterThan(lastFence);
            lastFence = Math.max(lastFence, answer.fence);
            fences.set(ticket, answer.fence);
          }
        }
        expect(line.rows.filter((row) => row.held && row.until > now).length).toBeLessThanOrEqual(line.permits);
      }
    }

    it(
      "L12 random askers, givers, deaths and times: as the law says, never overshooting",
      async () => {
        await fc.assert(fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 40 }), play), {
          numRuns: suite.modelRuns ?? 30,
        });
      },
      modelMsMax(suite),
    );
  });
}

function textOf(answer: PermitAnswer): string {
  if (answer.state === "waiting") return `waiting ${answer.ahead}`;
  return answer.state === "refused" ? answer.why : answer.state;
}
