import {
  fleetPreviewRequestSchema,
  fleetRequestSchema,
  ProvostError,
  type FleetMember,
  type FleetPreview,
  type FleetRequest,
  type FleetView,
  type InstanceEvent,
  type Listed,
  type MemberStatus,
} from "@provost/contract";
import type { JobDefinition, JobManager } from "@provost/jobs";
import type { z } from "zod";
import { currentAct } from "../access/acting.ts";
import type { StepEnd } from "../flows/step.ts";
import { timedId } from "../ids.ts";
import type { InstanceService } from "../instances/instance-service.ts";
import type { Log, Timings } from "../options.ts";
import type { Store, Write } from "../storage/store.ts";
import type { FleetDoor } from "../surface.ts";
import type { TaskService } from "../tasks/task-service.ts";
import { FleetRecords } from "./fleet-records.ts";
import { fleetKey, FleetRun } from "./fleet-run.ts";
import { fleetRow, fleetView, memberView, type FleetActor, type FleetRow } from "./fleet-rows.ts";
import { previewOf, selected, type Selected } from "./selection.ts";

export interface FleetServiceParts {
  store: Store;
  manager: JobManager;
  job: JobDefinition<{ id: string }>;
  tasks: TaskService;
  instances: InstanceService;
  timings: Timings;
  log: Log;
}

const sampleMax = 20;
const pageMax = 500;
/** Members in one statement. */
const chunk = 500;
/** Commands that one pass of the watchdog looks after. */
const openMax = 100;

/** One command to many instances: confirmed by their number, bounded in how many at once and how many may fail, durable. */
export class FleetService implements FleetDoor {
  readonly #parts: FleetServiceParts;
  readonly #records: FleetRecords;
  readonly #run: FleetRun;

  constructor(parts: FleetServiceParts) {
    this.#parts = parts;
    this.#records = new FleetRecords(parts.store);
    this.#run = new FleetRun({ ...parts, fleets: this.#records });
  }

  /** @throws ProvostError `invalid_request`, `instance_not_found`, `fleet_empty`, `fleet_too_large`. */
  async preview(request: z.input<typeof fleetPreviewRequestSchema>): Promise<FleetPreview> {
    const selection = checked(fleetPreviewRequestSchema, request);
    const found = await selected(this.#parts.store.db, selection);
    return { count: found.length, preview: previewOf(selection, found), sample: found.slice(0, sampleMax) };
  }

  /**
   * Begins when these are as many, or the very ones, that were confirmed.
   *
   * @throws ProvostError as `preview`, and `fleet_changed`, `idempotency_key_reused`.
   */
  async begin(input: FleetRequest, options: { idempotencyKey?: string } = {}): Promise<FleetView> {
    const request = checked(fleetRequestSchema, input);
    const { store, manager, job, log } = this.#parts;
    const key = options.idempotencyKey;
    const earlier = key === undefined ? undefined : await this.#earlier(key, request);
    if (earlier !== undefined) return earlier;
    const found = await selected(store.db, request);
    confirm(request, found);
    const now = await store.now();
    const id = timedId("fl", now);
    const act = currentAct();
    const actor: FleetActor | null = act === undefined ? null : { ...act.actor, requestId: act.requestId };
    await store.write(async (write) => {
      await write.db
        .insertInto("control_fleet")
        .values({
          id,
          action: request.action,
          type: request.type ?? null,
          filter: request.filter ?? null,
          concurrency: request.concurrency,
          failures_max: request.failuresMax,
          if_busy: request.ifBusy,
          status: "running",
          total: found.length,
          actor: actor === null ? null : JSON.stringify(actor),
          idempotency_key: key ?? null,
          created_at: now,
        })
        .execute();
      for (let from = 0; from < found.length; from += chunk) {
        const members = found.slice(from, from + chunk).map((each) => ({
          fleet_id: id,
          instance_id: each.id,
          name: each.name,
          status: "pending" as const,
        }));
        await write.db.insertInto("control_fleet_member").values(members).execute();
      }
      await manager.enqueue(job.with({ id }, { wake: fleetKey(id), unique: fleetKey(id) }), { tx: write.tx });
      const { action, type, filter, concurrency, failuresMax } = request;
      const after = { action, type, filter, count: found.length, concurrency, failuresMax };
      await write.audit({ at: now, action: "fleet.begin", target: { id, name: `${action} ${found.length}` }, after });
    });
    log.info({ fleet: id, action: request.action, count: found.length }, "a fleet command has begun");
    return this.get(id);
  }

  /** Throws `fleet_not_found`. */
  async get(id: string): Promise<FleetView> {
    return fleetView(await this.#row(id), await this.#records.counts(id));
  }

  async list(query: { after?: string; limit: number }): Promise<Listed<FleetView>> {
    const limit = bounded(query.limit);
    let select = this.#parts.store.db
      .selectFrom("control_fleet")
      .selectAll()
      .orderBy("id", "desc")
      .limit(limit + 1);
    if (query.after !== undefined) select = select.where("id", "<", query.after);
    const rows = (await select.execute()).map(fleetRow);
    const items: FleetView[] = [];
    for (const row of rows.slice(0, limit)) items.push(fleetView(row, await this.#records.counts(row.id)));
    const last = items.at(-1);
    return rows.length > limit && last !== undefined ? { items, next: last.id } : { items };
  }

  /** Throws `fleet_not_found`. */
  async members(
    id: string,
    query: { status?: MemberStatus; after?: string; limit: number },
  ): Promise<Listed<FleetMember>> {
    await this.#row(id);
    const limit = bounded(query.limit);
    let select = this.#parts.store.db
      .selectFrom("control_fleet_member")
      .selectAll()
      .where("fleet_id", "=", id)
      .orderBy("instance_id")
      .limit(limit + 1);
    if (query.status !== undefined) select = select.where("status", "=", query.status);
    if (query.after !== undefined) select = select.where("instance_id", ">", query.after);
    const rows = await select.execute();
    const items = rows.slice(0, limit).map(memberView);
    const last = items.at(-1);
    return rows.length > limit && last !== undefined ? { items, next: last.instanceId } : { items };
  }

  /** One that has ended stays as it is. Throws `fleet_not_found`. */
  async cancel(id: string): Promise<FleetView> {
    const { store, manager } = this.#parts;
    const row = await this.#row(id);
    const at = await store.now();
    await store.write(async (write) => {
      if (!(await this.#records.calledOff(write, id, "cancelled", "The command was cancelled before its turn.")))
        return;
      const target = { id, name: `${row.action} ${row.total}` };
      await write.audit({
        at,
        action: "fleet.cancel",
        target,
        before: { status: row.status },
        after: { status: "cancelled" },
      });
      await manager.wake(fleetKey(id), { tx: write.tx });
    });
    return this.get(id);
  }

  /** The command's job. */
  pass(id: string): Promise<StepEnd> {
    return this.#run.pass(id);
  }

  /** Joins the transaction of an event: the end of a member's task makes room for the next. */
  async freed({ db, tx }: Write, { kind, taskId }: InstanceEvent): Promise<void> {
    if (taskId === undefined || (kind !== "task_done" && kind !== "task_failed" && kind !== "destroyed")) return;
    const task = await db.selectFrom("control_task").select("fleet_id").where("id", "=", taskId).executeTakeFirst();
    if (task !== undefined && task.fleet_id !== null) await this.#parts.manager.wake(fleetKey(task.fleet_id), { tx });
  }

  /** C7: a command whose job is lost gets another one; while there is one, none is added. */
  async watch(now: number): Promise<void> {
    const { store, manager, job, timings } = this.#parts;
    const rows = await store.db
      .selectFrom("control_fleet")
      .select("id")
      .where("ended_at", "is", null)
      .where("created_at", "<", now - timings.orphanGraceMs)
      .orderBy("id")
      .limit(openMax)
      .execute();
    for (const { id } of rows) await manager.enqueue(job.with({ id }, { wake: fleetKey(id), unique: fleetKey(id) }));
  }

  /** What this key has begun before. Throws `idempotency_key_reused` for another command. */
  async #earlier(key: string, request: z.output<typeof fleetRequestSchema>): Promise<FleetView | undefined> {
    const { db } = this.#parts.store;
    const row = await db.selectFrom("control_fleet").selectAll().where("idempotency_key", "=", key).executeTakeFirst();
    if (row === undefined) return undefined;
    const same = row.action === request.action && row.type === (request.type ?? null);
    if (same && row.filter === (request.filter ?? null)) return this.get(row.id);
    throw new ProvostError(
      "idempotency_key_reused",
      `The idempotency key ${JSON.stringify(key)} belongs to another request: use a new one.`,
    );
  }

  async #row(id: string): Promise<FleetRow> {
    const found = await this.#records.byId(id);
    if (found !== undefined) return found;
    const shown = JSON.stringify(id.slice(0, 80));
    throw new ProvostError("fleet_not_found", `There is no fleet command ${shown}: see provost fleet list.`, {
      field: "fleet",
    });
  }
}

function confirm(request: z.output<typeof fleetRequestSchema>, found: Selected[]): void {
  const { count, preview } = request;
  if (count === undefined && preview === undefined) {
    throw new ProvostError(
      "invalid_request",
      `It would be ${found.length} instances: say so with count, or hand over a preview.`,
      { field: "count" },
    );
  }
  if (count !== undefined && count !== found.length) {
    throw new ProvostError(
      "fleet_changed",
      `${count} instances were expected, and ${found.length} fit now: nothing was begun. Look again, then confirm.`,
      { field: "count" },
    );
  }
  if (preview !== undefined && preview !== previewOf(request, found)) {
    throw new ProvostError(
      "fleet_changed",
      `The ${found.length} instances that fit now are not those of the preview: nothing was begun. Look again, then confirm.`,
      { field: "preview" },
    );
  }
}

function checked<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join(".") ?? "";
  throw new ProvostError(
    "invalid_request",
    `${field || "The request"}: ${issue?.message ?? "is not valid"}.`,
    field === "" ? {} : { field },
  );
}

function bounded(limit: number): number {
  return Math.min(Math.max(Math.trunc(limit), 1), pageMax);
}
