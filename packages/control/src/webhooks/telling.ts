import type { InstanceEvent, TaskView, WebhookEvent } from "@provost/contract";
import type { JobDefinition, JobManager } from "@provost/jobs";
import { z } from "zod";
import { timedId } from "../ids.ts";
import { imageRow, imageView, type ImageDatabase, type ImageRow } from "../images/tables.ts";
import type { Log, Timings } from "../options.ts";
import { instanceRow, instanceView, iso } from "../storage/rows.ts";
import type { Write } from "../storage/store.ts";
import { taskRow, taskView } from "../tasks/task-row.ts";
import { deliveryQueue, deliveryWakeKey, type DeliveryInput } from "./delivery-job.ts";

export interface TellingParts {
  manager: JobManager;
  job: JobDefinition<DeliveryInput>;
  timings: Timings;
  /** This deployment's id, which tells receivers apart who calls. */
  deployment: () => string;
  log: Log;
}

/** What is to be delivered; `body` is sent as it stands, however often. */
interface Message {
  webhookId: string;
  event: string;
  instanceId: string | null;
  body: string;
  attemptsMax: number;
  at: number;
}

interface Listener {
  id: string;
  events: string[];
}

/** Deliveries at once: to all receivers, and to one. Kept in the store; a person may set them otherwise. */
const queueLimits = { concurrency: 16, keyConcurrency: 4 } as const;

const savedEvents = z.array(z.string());

/**
 * Tells webhooks of instance events (C7): each delivery is a row and a job, made in the transaction that writes the event,
 * so that none is lost and none tells of what was rolled back.
 */
export class Telling {
  readonly #parts: TellingParts;
  readonly #read = new WeakMap<Write, Listener[]>();

  constructor(parts: TellingParts) {
    this.#parts = parts;
  }

  /** Once for each store; what was set there before holds. */
  async start(): Promise<void> {
    const { manager, log } = this.#parts;
    try {
      const known = await manager.queues.list();
      if (known.some(({ queue }) => queue === deliveryQueue)) return;
      await manager.queues.configure(deliveryQueue, queueLimits);
    } catch (error) {
      // Deliveries go out without them as well; the next start tries again.
      log.warn({ err: error }, "the limits of the queue for webhooks could not be set");
    }
  }

  /** Attempts in one round. */
  get attemptsMax(): number {
    return this.#parts.timings.webhookRetriesMs.length + 1;
  }

  /** Joins the transaction that has just written the event. */
  async told(write: Write, event: InstanceEvent): Promise<void> {
    const webhooks = await this.#webhooks(write);
    if (webhooks.length === 0) return;
    const image = await imageMadeOn(write, event.instanceId);
    const name = image === undefined ? ofInstance(event.kind) : ofImage(event.kind, image);
    if (name === undefined) return;
    const listening = webhooks.filter(({ events }) => events.includes(name));
    if (listening.length === 0) return;
    const body = image === undefined ? await this.#body(write, name, event) : this.#imageBody(name, event, image);
    for (const { id } of listening) {
      await this.enqueue(write, {
        webhookId: id,
        event: name,
        instanceId: event.instanceId,
        body,
        attemptsMax: this.attemptsMax,
        at: Date.parse(event.at),
      });
    }
  }

  /** Read once for all events of a transaction. */
  async #webhooks(write: Write): Promise<Listener[]> {
    const known = this.#read.get(write);
    if (known !== undefined) return known;
    const rows = await write.db.selectFrom("control_webhook").select(["id", "events"]).execute();
    const webhooks = rows.map(({ id, events }) => ({ id, events: savedEvents.parse(JSON.parse(events)) }));
    this.#read.set(write, webhooks);
    return webhooks;
  }

  /** Writes the delivery and its job; returns its id. */
  async enqueue(write: Write, message: Message): Promise<string> {
    const id = timedId("dl", message.at);
    await write.db
      .insertInto("control_webhook_delivery")
      .values({
        id,
        webhook_id: message.webhookId,
        event: message.event,
        instance_id: message.instanceId,
        body: message.body,
        status: "pending",
        attempts: 0,
        attempts_max: message.attemptsMax,
        created_at: message.at,
        next_attempt_at: message.at,
      })
      .execute();
    await this.send(write, id, message.webhookId);
    return id;
  }

  /** Sends at once what waits for its next attempt; where its job is gone it gets another. */
  async hurry(write: Write, id: string, webhookId: string): Promise<void> {
    const met = await this.#parts.manager.wake(deliveryWakeKey(id), { tx: write.tx });
    if (met === 0) await this.send(write, id, webhookId);
  }

  /** What a test sends. */
  testBody(name: string, at: number): string {
    const data = { deployment: this.#parts.deployment(), message: `A test of the webhook ${name}.` };
    return JSON.stringify({ type: "webhook.test", timestamp: iso(at), data });
  }

  /** A job of its own for a delivery. */
  async send(write: Write, delivery: string, webhook: string): Promise<void> {
    const { manager, job } = this.#parts;
    await manager.enqueue(job.with({ delivery, webhook }, { wake: deliveryWakeKey(delivery) }), { tx: write.tx });
  }

  #imageBody(type: WebhookEvent, event: InstanceEvent, row: ImageRow): string {
    const { failure, ...image } = imageView(row, undefined);
    const data = {
      deployment: this.#parts.deployment(),
      event: { seq: event.seq, message: event.message },
      image,
      ...(failure === undefined ? {} : { failure }),
    };
    return JSON.stringify({ type, timestamp: event.at, data });
  }

  /** In the form of Standard Webhooks: type, timestamp, data. The instance is as this very transaction leaves it. */
  async #body({ db }: Write, type: WebhookEvent, event: InstanceEvent): Promise<string> {
    const { instanceId, seq, message, stage, taskId } = event;
    const saved = await db
      .selectFrom("control_instance")
      .selectAll()
      .where("id", "=", instanceId)
      .executeTakeFirstOrThrow();
    const { failure, ...instance } = instanceView(instanceRow(saved));
    const found = taskId === undefined ? undefined : await taskOf(db, taskId, instance.name);
    const { failure: taskFailure, ...task } = found ?? {};
    const told = taskFailure ?? failure;
    const data = {
      deployment: this.#parts.deployment(),
      event: { seq, message, ...(stage === undefined ? {} : { stage }) },
      instance,
      ...(found === undefined ? {} : { task }),
      ...(told === undefined ? {} : { failure: told }),
    };
    return JSON.stringify({ type, timestamp: event.at, data });
  }
}

async function taskOf(db: Write["db"], id: string, name: string): Promise<TaskView | undefined> {
  const row = await db.selectFrom("control_task").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : taskView(taskRow(row), name);
}

function ofInstance(kind: InstanceEvent["kind"]): WebhookEvent | undefined {
  return kind === "baking" || kind === "baked" ? undefined : `instance.${kind}`;
}

/** A bake has two ends; all else is its builder's. */
function ofImage(kind: InstanceEvent["kind"], { status }: ImageRow): WebhookEvent | undefined {
  if (kind === "baked") return "image.available";
  return kind === "failed" && status === "failed" ? "image.failed" : undefined;
}

/** The image whose builder this instance is. */
async function imageMadeOn({ db }: Write, id: string): Promise<ImageRow | undefined> {
  const found = await db
    .withTables<ImageDatabase>()
    .selectFrom("control_image")
    .selectAll()
    .where("builder_id", "=", id)
    .executeTakeFirst();
  return found === undefined ? undefined : imageRow(found);
}
