import { ProvostError, type ErrorCode, type FleetAction, type TaskOrder } from "@provost/contract";
import { defineJob } from "@provost/jobs";
import { z } from "zod";
import { runAs, type Act } from "../access/acting.ts";
import { directive, type StepEnd } from "../flows/step.ts";
import type { InstanceService } from "../instances/instance-service.ts";
import type { Log, Timings } from "../options.ts";
import type { Store } from "../storage/store.ts";
import type { TaskService } from "../tasks/task-service.ts";
import type { FleetRecords } from "./fleet-records.ts";
import type { FleetRow } from "./fleet-rows.ts";

export interface FleetRunParts {
  store: Store;
  fleets: FleetRecords;
  tasks: Pick<TaskService, "ask">;
  instances: Pick<InstanceService, "protect">;
  timings: Timings;
  log: Log;
}

/** Besides the wakes of the tasks that end. */
const lookMs = 5_000;

/** What makes nothing to do of a member, and no failure. */
const asItWas: Partial<Record<FleetAction, ErrorCode>> = {
  boot: "instance_running",
  shutdown: "instance_stopped",
  "power-off": "instance_stopped",
  resize: "type_unchanged",
};

export function fleetKey(id: string): string {
  return `fleet:${id}`;
}

/** One job for each fleet command: it looks, begins what there is room for, and releases itself until all have ended (L7). */
export function fleetJob(run: (id: string) => Promise<StepEnd>) {
  return defineJob("fleet.run", {
    input: z.object({ id: z.string() }),
    attempts: 1_000,
    run: async (context) => directive(context, await run(context.input.id), fleetKey(context.input.id)),
  });
}

/** A pass over one fleet command. What a kill cuts off is taken up by the next: a member and its task are one transaction (L11). */
export class FleetRun {
  readonly #parts: FleetRunParts;

  constructor(parts: FleetRunParts) {
    this.#parts = parts;
  }

  async pass(id: string): Promise<StepEnd> {
    const { store, fleets } = this.#parts;
    const fleet = await fleets.byId(id);
    if (fleet === undefined || fleet.ended_at !== null) return { end: "done" };
    await fleets.noteEnded(id, await store.now());
    const counts = await fleets.counts(id);
    if (fleet.status === "running" && counts.failed > fleet.failures_max && counts.pending > 0) {
      await this.#stop(fleet, counts.failed);
      return { end: "defer", afterMs: 1 };
    }
    if (counts.pending === 0 && counts.running === 0) {
      await fleets.finished(id, await store.now());
      return { end: "done" };
    }
    const room = fleet.concurrency - counts.running;
    const next = fleet.status === "running" && room > 0 ? await fleets.pending(id, room) : [];
    await Promise.all(next.map(({ instance_id: instance, name }) => this.#begin(fleet, instance, name)));
    // What ended at once, or never began, has made room.
    return { end: "defer", afterMs: next.length > 0 ? 1 : lookMs };
  }

  async #begin(fleet: FleetRow, instance: string, name: string): Promise<void> {
    const { store, fleets } = this.#parts;
    await asked(fleet, instance, async () => {
      try {
        await this.#ask(fleet, instance);
      } catch (error) {
        if (error instanceof CalledOff) return;
        if (!(error instanceof ProvostError)) throw error;
        const { code, message } = error;
        const unchanged = code === asItWas[fleet.action];
        const at = await store.now();
        await fleets.ended(
          fleet.id,
          instance,
          "pending",
          { status: unchanged ? "unchanged" : "failed", code, message },
          at,
        );
        const outcome = unchanged ? "unchanged" : "refused";
        const target = { id: instance, name };
        const line = { at, action: `instance.${fleet.action}`, target, outcome, code, detail: message } as const;
        await store.write((write) => write.audit(line));
      }
    });
  }

  async #ask(fleet: FleetRow, instance: string): Promise<void> {
    const { store, fleets, tasks, instances } = this.#parts;
    const now = await store.now();
    const { action } = fleet;
    if (action === "protect" || action === "unprotect") {
      await instances.protect(instance, action === "protect");
      await fleets.ended(fleet.id, instance, "pending", { status: "done" }, now);
      return;
    }
    await tasks.ask(instance, orderOf(action, fleet.type), {
      ifBusy: fleet.if_busy,
      fleetId: fleet.id,
      also: async (write, taskId) => {
        if (!(await fleets.begun(write, fleet.id, instance, taskId, now))) throw new CalledOff();
      },
    });
  }

  async #stop(fleet: FleetRow, failed: number): Promise<void> {
    const { store, fleets, log } = this.#parts;
    const message = `${failed} have failed; it was to stop after ${fleet.failures_max}.`;
    const stopped = await store.write((write) => fleets.calledOff(write, fleet.id, "stopped", message));
    if (stopped) log.warn({ fleet: fleet.id, failed }, "a fleet command has stopped: too many failures");
  }
}

/** In the name of whoever gave the command (C15). */
function asked(fleet: FleetRow, instance: string, run: () => Promise<void>): Promise<void> {
  if (fleet.actor === null) return run();
  const { requestId, ...actor } = fleet.actor;
  const act: Act = { actor, requestId, action: `instance.${fleet.action}`, target: instance, lines: 0, over: false };
  return runAs(act, run);
}

function orderOf(action: Exclude<FleetAction, "protect" | "unprotect">, type: string | null): TaskOrder {
  return action === "resize" ? { kind: action, type: type ?? "" } : { kind: action };
}

/** The member was begun by another attempt, or the command was called off: the transaction is undone. */
class CalledOff extends Error {
  override readonly name = "CalledOff";
  readonly code = "called_off";
}
