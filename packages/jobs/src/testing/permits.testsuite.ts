import { describe, expect, it } from "vitest";
import { limits } from "../core/limits.ts";
import type { MemoryOperation, PermitAnswer, PermitRequest, SeenTicket } from "../transporters/permits.ts";
import type { Transporter } from "../transporters/transporter.ts";
import { Fixture, one, type TransporterSuite } from "./fixture.ts";

const leaseMs = 10_000;

/** L12 at the store: never more holders than permits, first come first served, fences, leases; memory in atomic acts. */
export function permitsSuite(suite: TransporterSuite): void {
  describe(`${suite.name}: semaphores (L12)`, () => {
    const store = new Fixture(suite);

    function asked(ticket: string, differs: Partial<PermitRequest> = {}): PermitRequest {
      const holder = { host: "host-1", process: `process of ${ticket}` };
      return { name: store.key("s"), permits: 1, ticket: store.key(ticket), leaseMs, wait: true, holder, ...differs };
    }

    async function ask(ticket: string, differs: Partial<PermitRequest> = {}): Promise<PermitAnswer> {
      return one(await store.transporter.permits.acquire([asked(ticket, differs)]));
    }

    async function give(...tickets: string[]): Promise<boolean[]> {
      return (await store.transporter.permits.release(tickets.map((ticket) => store.key(ticket)))).released;
    }

    /** Who is named as next when these are given back. */
    async function nextAfter(...tickets: string[]): Promise<SeenTicket[]> {
      return (await store.transporter.permits.release(tickets.map((ticket) => store.key(ticket)))).next;
    }

    async function fenceOf(ticket: string, differs: Partial<PermitRequest> = {}): Promise<number> {
      const answer = await ask(ticket, differs);
      expect(answer.state, `${ticket}: ${JSON.stringify(answer)}`).toBe("held");
      return answer.state === "held" ? answer.fence : 0;
    }

    it("L12 a free permit is given at once, a taken one waited for, and given back it goes to the next", async () => {
      await fenceOf("a");
      expect(await ask("b")).toMatchObject({ state: "waiting", ahead: 0, before: [{ ticket: store.key("a") }] });
      expect(await give("a")).toEqual([true]);
      await fenceOf("b");
    });

    it("L12 first come, first served: who comes when a permit is free stands behind those who wait", async () => {
      await fenceOf("a");
      await ask("b");
      expect(await ask("c")).toMatchObject({ state: "waiting", ahead: 1 });
      await give("a");
      expect(await ask("d")).toMatchObject({ state: "waiting", ahead: 2 });
      expect(await ask("c")).toMatchObject({ state: "waiting", ahead: 1 });
      await fenceOf("b");
      expect(await ask("c")).toMatchObject({ state: "waiting", ahead: 0 });
    });

    it("L12 n permits are held by n, and not by one more", async () => {
      const answers = await store.transporter.permits.acquire(
        ["a", "b", "c", "d", "e"].map((ticket) => asked(ticket, { permits: 3 })),
      );
      expect(answers.map(({ state }) => state)).toEqual(["held", "held", "held", "waiting", "waiting"]);
      await give("b");
      await fenceOf("d", { permits: 3 });
      expect(await ask("e", { permits: 3 })).toMatchObject({ state: "waiting", ahead: 0 });
    });

    it("L12 hundreds ask at once by two connections: never more than n hold it", async () => {
      const second = await store.second();
      const held = new Set<string>();
      let most = 0;
      let rounds = 0;
      const use = async (transporter: Transporter, ticket: string): Promise<void> => {
        for (;;) {
          const answer = one(await transporter.permits.acquire([asked(ticket, { permits: 3 })]));
          rounds += 1;
          if (answer.state !== "held") continue;
          held.add(ticket);
          most = Math.max(most, held.size);
          await transporter.permits.renew([{ ticket: store.key(ticket), leaseMs }]);
          held.delete(ticket);
          expect(await transporter.permits.release([store.key(ticket)])).toMatchObject({ released: [true] });
          return;
        }
      };
      await Promise.all(
        Array.from({ length: 60 }, (_, index) => use(index % 2 === 0 ? store.transporter : second, `t${index}`)),
      );
      expect(most).toBe(3);
      expect(rounds).toBeGreaterThanOrEqual(60);
    });

    it("L12 each grant has a greater fence, whatever the semaphore", async () => {
      const fences = [await fenceOf("a"), await fenceOf("b", { name: store.key("other") })];
      await give("a");
      fences.push(await fenceOf("c"));
      await give("c", "b");
      fences.push(await fenceOf("d"));
      expect(fences).toEqual(fences.toSorted((a, b) => a - b));
      expect(new Set(fences).size).toBe(4);
    });

    it("L12 the same ticket again takes nothing twice and keeps its fence", async () => {
      const fence = await fenceOf("a", { permits: 2 });
      expect(await fenceOf("a", { permits: 2 })).toBe(fence);
      await fenceOf("b", { permits: 2 });
      expect(await ask("c", { permits: 2 })).toMatchObject({ state: "waiting", ahead: 0 });
    });

    it("L12 a holder whose lease has run out has lost the permit to who asks next; its renewal and return say so", async () => {
      const fence = await fenceOf("a");
      await ask("b");
      store.setClock(leaseMs + 2_000);
      expect(await fenceOf("c")).toBeGreaterThan(fence);
      expect(await store.transporter.permits.renew([{ ticket: store.key("a"), leaseMs }])).toEqual(["lost"]);
      expect(await give("a")).toEqual([false]);
    });

    it("L12 a renewed lease holds; one that ran out and that nobody took is still its holder's", async () => {
      await fenceOf("a");
      store.setClock(leaseMs - 2_000);
      expect(await store.transporter.permits.renew([{ ticket: store.key("a"), leaseMs }])).toEqual(["renewed"]);
      store.setClock(leaseMs + 2_000);
      expect(await ask("b")).toMatchObject({ state: "waiting" });
      await give("b");
      store.setClock(3 * leaseMs);
      expect(await store.transporter.permits.renew([{ ticket: store.key("a"), leaseMs }])).toEqual(["renewed"]);
      expect(await ask("b")).toMatchObject({ state: "waiting" });
    });

    it("L12 a waiter that has not looked for its lease is out of the line, one that looks stays in it", async () => {
      await fenceOf("a", { leaseMs: 10 * leaseMs });
      await ask("gone");
      await ask("b");
      store.setClock(leaseMs - 2_000);
      expect(await ask("b")).toMatchObject({ state: "waiting", ahead: 1 });
      store.setClock(leaseMs + 2_000);
      expect(await ask("b")).toMatchObject({ state: "waiting", ahead: 0 });
      await give("a");
      await fenceOf("b");
    });

    it("L12 without waiting a taken permit is refused, and nothing is left in the line", async () => {
      await fenceOf("a");
      expect(await ask("b", { wait: false })).toMatchObject({
        state: "refused",
        why: "taken",
        before: [{ ticket: store.key("a") }],
      });
      expect(await ask("c")).toMatchObject({ state: "waiting", ahead: 0 });
    });

    it("L12 two numbers of permits for one name at a time are refused with the other's", async () => {
      await fenceOf("a", { permits: 2 });
      expect(await ask("b", { permits: 5 })).toEqual({ state: "refused", why: "permits", permits: 2 });
      await give("a");
      await fenceOf("b", { permits: 5 });
    });

    it("L14 the line has a limit", async () => {
      await fenceOf("holder");
      const many = Array.from({ length: limits.permitWaitersMax }, (_, index) => asked(`w${index}`));
      const answers = await store.transporter.permits.acquire(many);
      expect(answers.at(-1)).toMatchObject({ state: "waiting", ahead: limits.permitWaitersMax - 1 });
      expect(await ask("one more")).toEqual({ state: "refused", why: "waiters" });
      await store.transporter.permits.release(many.map(({ ticket }) => ticket));
    });

    function seen(ticket: string): SeenTicket {
      return { ticket: store.key(ticket), host: "host-1", process: `process of ${ticket}` };
    }

    it("L12 who gives back is told whose turn it is: as many as permits are free, in the order they came", async () => {
      const two = { permits: 2 };
      await fenceOf("a", two);
      await fenceOf("b", two);
      for (const ticket of ["c", "d", "e", "f"]) await ask(ticket, two);
      expect(await nextAfter("d"), "a waiter leaves, nothing is free").toEqual([]);
      expect(await nextAfter("a")).toEqual([seen("c")]);
      expect(await nextAfter("b")).toEqual([seen("c"), seen("e")]);
      await fenceOf("c", two);
      expect(await nextAfter("e"), "who was next left").toEqual([seen("f")]);
      expect(await nextAfter("unknown"), "of no semaphore").toEqual([]);
      expect(await nextAfter("c", "f"), "nobody waits").toEqual([]);
    });

    it("L12 of two semaphores given back in one act, both lines are told; one that does not look any more is not", async () => {
      const other = { name: store.key("other") };
      await fenceOf("a", { leaseMs: 10 * leaseMs });
      await fenceOf("x", { ...other, leaseMs: 10 * leaseMs });
      await ask("gone");
      store.setClock(leaseMs + 2_000);
      await ask("b");
      await ask("y", other);
      const next = await nextAfter("a", "x");
      expect(next.map(({ ticket }) => ticket).toSorted()).toEqual([store.key("b"), store.key("y")]);
    });

    it("L12 what waits can be told who stands before it, and a dead one's ticket given back by another", async () => {
      await fenceOf("a");
      await ask("b");
      const answer = await ask("c");
      expect(answer).toMatchObject({
        before: [
          { ticket: store.key("a"), host: "host-1", process: "process of a" },
          { ticket: store.key("b"), host: "host-1", process: "process of b" },
        ],
      });
      await give("a", "b");
      await fenceOf("c");
    });
  });

  memorySuite(suite);
}

function memorySuite(suite: TransporterSuite): void {
  describe(`${suite.name}: shared memory (L12)`, () => {
    const store = new Fixture(suite);
    const holder = { host: "host-1", process: "1" };

    const apply = async (...operations: MemoryOperation[]) => {
      const answer = await store.transporter.memory.apply(operations);
      expect(answer.state).toBe("applied");
      return answer.state === "applied" ? answer.results : [];
    };

    async function hold(name: string, ticket: string): Promise<void> {
      const answer = one(
        await store.transporter.permits.acquire([{ name, permits: 1, ticket, leaseMs, wait: true, holder }]),
      );
      expect(answer.state).toBe("held");
    }

    it("L12 add, get, has, remove: the value comes back as the text that it was, for all connections", async () => {
      const second = await store.second();
      const key = store.key("k");
      const value = JSON.stringify({ text: "a\u0000ü\u2028", number: 0.1, long: "x".repeat(10_000) });
      expect(await apply({ kind: "get", key }, { kind: "has", key })).toEqual([{ found: false }, { found: false }]);
      expect(await apply({ kind: "add", key, value })).toEqual([{ found: false }]);
      expect(await second.memory.apply([{ kind: "get", key }])).toEqual({
        state: "applied",
        results: [{ found: true, value }],
      });
      expect(await apply({ kind: "add", key, value: "2" })).toEqual([{ found: true }]);
      expect(await apply({ kind: "has", key }, { kind: "remove", key }, { kind: "get", key })).toEqual([
        { found: true },
        { found: true },
        { found: false },
      ]);
    });

    it("L12 increments count from 0, by any number, and say the sum", async () => {
      const key = store.key("k");
      expect(await apply({ kind: "increment", key, by: 2 })).toEqual([{ found: false, value: "2" }]);
      expect(await apply({ kind: "increment", key, by: -2.5 })).toEqual([{ found: true, value: "-0.5" }]);
      expect(await apply({ kind: "increment", key, by: 2 ** 53 })).toMatchObject([{ found: true }]);
    });

    it("L12 increments by two connections at once lose none", async () => {
      const second = await store.second();
      const key = store.key("k");
      const each = (transporter: Transporter) =>
        Array.from({ length: 100 }, () => transporter.memory.apply([{ kind: "increment", key, by: 1 }]));
      await Promise.all([...each(store.transporter), ...each(second)]);
      expect(await apply({ kind: "get", key })).toEqual([{ found: true, value: "200" }]);
    });

    it("L12 an increment of what is no number is refused, and nothing of its act is done", async () => {
      const [text, other] = [store.key("text"), store.key("other")];
      await apply({ kind: "add", key: text, value: '"12"' });
      const act = store.transporter.memory.apply([
        { kind: "add", key: other, value: "1" },
        { kind: "increment", key: text, by: 1 },
      ]);
      await expect(act).rejects.toMatchObject({ code: "invalid_input" });
      await expect(act).rejects.toThrow(/holds no number/);
      expect(await apply({ kind: "has", key: other })).toEqual([{ found: false }]);
      await apply({ kind: "add", key: text, value: "1e308" });
      await expect(store.transporter.memory.apply([{ kind: "increment", key: text, by: 1e308 }])).rejects.toMatchObject(
        { code: "invalid_input" },
      );
    });

    it("L12 an act guarded by a permit takes effect while it is held, and not after another has had it", async () => {
      const [name, key, mine] = [store.key("s"), store.key("k"), store.key("mine")];
      await hold(name, mine);
      const act = () => store.transporter.memory.apply([{ kind: "increment", key, by: 1 }], { held: [mine] });
      expect(await act()).toMatchObject({ state: "applied" });
      store.setClock(leaseMs + 2_000);
      expect(await act(), "run out, taken by nobody").toMatchObject({ state: "applied" });
      await hold(name, store.key("other"));
      expect(await act()).toEqual({ state: "refused", why: "lost" });
      expect(await apply({ kind: "get", key })).toEqual([{ found: true, value: "2" }]);
    });

    it("L12 an act that wants a semaphore free is refused while somebody holds it, and not after", async () => {
      const [name, key, ticket] = [store.key("s"), store.key("k"), store.key("t")];
      const act = () => store.transporter.memory.apply([{ kind: "add", key, value: "1" }], { free: name });
      const look = () => store.transporter.memory.apply([{ kind: "get", key }], { free: name });
      expect(await act()).toMatchObject({ state: "applied" });
      await hold(name, ticket);
      expect(await act()).toEqual({ state: "refused", why: "busy" });
      expect(await look()).toEqual({ state: "refused", why: "busy" });
      await store.transporter.permits.release([ticket]);
      expect(await look()).toMatchObject({ state: "applied" });
    });

    it("L14 an act has a limit, and so has a value", async () => {
      const key = store.key("k");
      const many = Array.from({ length: limits.memoryOperationsMax + 1 }, () => ({ kind: "has", key }) as const);
      await expect(store.transporter.memory.apply(many)).rejects.toMatchObject({ code: "batch_too_large" });
      const value = JSON.stringify("x".repeat(limits.payloadBytesMax));
      await expect(store.transporter.memory.apply([{ kind: "add", key, value }])).rejects.toMatchObject({
        code: "payload_too_large",
      });
    });
  });
}
