import { array, assert, boolean, integer, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProviderInstance } from "../providers/provider.ts";
import { callsMax, decide, type Decision, type Evidence, type Facts } from "./decide.ts";
import type { StepName, UndoName } from "./rules.ts";
import type { Mark } from "./task-row.ts";

/** How one call goes: whether it has its effect, whether its answer comes, and how many looks the effect takes. */
interface Luck {
  effect: boolean;
  answered: boolean;
  looks: number;
}

const againMs = 100;
const quietMs = 300;
const lookMs = 40;

const luck = record({ effect: boolean(), answered: boolean(), looks: integer({ min: 0, max: 4 }) });
/** The provider's refusals are told apart: what is answered here was accepted, and may come to nothing all the same. */
const lucks = array(luck, { minLength: callsMax, maxLength: callsMax });

/** A pretend provider with a pretend step runner around `decide`. */
class Story {
  status: ProviderInstance["status"];
  type = "small";
  effects = 0;
  calls = 0;
  end: Decision | undefined;
  #mark: Mark | undefined;
  #busyLooks = 0;
  #passing: ProviderInstance["status"] = "busy";
  #now = 1_000;
  readonly #feed: boolean;
  readonly #lucks: readonly Luck[];

  constructor(begins: "running" | "stopped", feed: boolean, lucks_: readonly Luck[]) {
    this.status = begins;
    this.#feed = feed;
    this.#lucks = lucks_;
  }

  run(step: StepName | UndoName, more: Partial<Facts> = {}): this {
    const before = { type: "small", power: this.status === "running" ? ("running" as const) : ("stopped" as const) };
    for (let look = 0; look < 500 && this.end === undefined; look += 1) {
      const facts: Facts = {
        seen: this.#seen(),
        before,
        mark: this.#mark,
        sinceMs: this.#mark === undefined ? 0 : this.#now - this.#mark.calledAt,
        type: "large",
        mayRun: false,
        canCutPower: false,
        againMs,
        quietMs,
        ...more,
      };
      let decision = decide(step, facts);
      if (decision.to === "read-feed") decision = decide(step, { ...facts, evidence: this.#evidence() });
      if (decision.to === "end" || decision.to === "fail") this.end = decision;
      if (decision.to === "call") this.#call(step);
      if (decision.to === "wait" && decision.acted === true && this.#mark !== undefined) this.#mark.open = false;
      this.#now += lookMs;
    }
    return this;
  }

  #seen(): ProviderInstance {
    this.#busyLooks = Math.max(this.#busyLooks - 1, 0);
    const status = this.#busyLooks > 0 ? this.#passing : this.status;
    return { id: "1", name: "web-1", status, statusText: status, region: "r", type: this.type, ipv4: [], ipv6: [] };
  }

  #evidence(): Evidence {
    if (!this.#feed) return "unreadable";
    return this.effects === 0 ? "none" : "finished";
  }

  #call(step: StepName | UndoName): void {
    const { effect, answered, looks } = this.#lucks[this.calls] ?? { effect: true, answered: true, looks: 0 };
    this.calls += 1;
    this.#mark = { calls: (this.#mark?.calls ?? 0) + 1, calledAt: this.#now, open: !answered };
    if (!effect) return;
    this.effects += 1;
    this.#busyLooks = looks;
    if (step === "reboot") this.#passing = "rebooting";
    if (step === "start") this.status = "running";
    if (step === "stop") this.status = "stopped";
    if (step === "change") this.type = "large";
  }
}

describe("what a step does next (C9, C4)", () => {
  test("a reboot never takes effect twice, and is done only when it has or was accepted; whatever answers are lost", () => {
    assert(
      property(lucks, boolean(), (given, feed) => {
        const story = new Story("running", feed, given).run("reboot");
        expect(story.effects).toBeLessThanOrEqual(1);
        expect(story.end).toBeDefined();
        const accepted = given[story.calls - 1]?.answered === true;
        if (story.end?.to === "end" && !accepted) expect(story.effects).toBe(1);
        if (story.end?.to === "fail") expect(story.end.code).toBe("outcome_unknown");
        // With a feed an answer that was lost is never a reboot that was lost, save after the last call.
        if (feed && story.end?.to === "fail") expect(story.calls).toBe(callsMax);
      }),
    );
  });

  test.each(["start", "stop", "change"] as const)(
    "%s ends in its state, or fails after some calls: never anything else",
    (step) => {
      assert(
        property(lucks, boolean(), (given, feed) => {
          const story = new Story(step === "start" ? "stopped" : "running", feed, given).run(step);
          expect(story.end).toBeDefined();
          expect(story.calls).toBeLessThanOrEqual(callsMax);
          expect(story.effects).toBeLessThanOrEqual(1);
          const there =
            step === "change" ? story.type === "large" : story.status === (step === "start" ? "running" : "stopped");
          expect(story.end?.to === "end").toBe(there);
        }),
      );
    },
  );

  test("a restore whose answers are lost is asked for again, as the server is stopped; with a feed it is done only when it was", () => {
    assert(
      property(lucks, (given) => {
        const story = new Story("stopped", true, given).run("restore");
        expect(story.calls).toBeLessThanOrEqual(callsMax);
        const accepted = given[story.calls - 1]?.answered === true;
        if (story.end?.to === "end" && !accepted) expect(story.effects).toBeGreaterThan(0);
        expect(story.end).toBeDefined();
      }),
    );
  });

  test("nothing is asked for where its state is reached", () => {
    expect(new Story("running", true, []).run("start")).toMatchObject({ calls: 0, end: { to: "end" } });
    expect(new Story("stopped", true, []).run("power-off")).toMatchObject({ calls: 0, end: { to: "end" } });
    expect(new Story("running", true, []).run("stop", { mayRun: true })).toMatchObject({
      calls: 0,
      end: { to: "end" },
    });
    expect(new Story("stopped", true, []).run("start-again")).toMatchObject({ calls: 0, end: { to: "end" } });
    expect(new Story("running", true, []).run("undo-change")).toMatchObject({ calls: 0, end: { to: "end" } });
    expect(new Story("stopped", true, []).run("reboot")).toMatchObject({
      calls: 0,
      end: { to: "fail", code: "task_refused" },
    });
  });
});
