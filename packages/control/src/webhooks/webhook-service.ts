import {
  namePattern,
  nameRule,
  ProvostError,
  webhookRequestSchema,
  type CreatedWebhook,
  type Delivery,
  type DeliveryWithBody,
  type Listed,
  type WebhookRequest,
  type WebhookView,
} from "@provost/contract";
import type { Selectable } from "kysely";
import { timedId } from "../ids.ts";
import type { Seal } from "../seal.ts";
import type { WebhookDeliveryTable, WebhookTable } from "../storage/schema.ts";
import type { Store, Write } from "../storage/store.ts";
import type { DeliveryQuery, WebhookDoor } from "../surface.ts";
import { orphanWords, secretPlace } from "./delivery-job.ts";
import type { Postman } from "./postman.ts";
import { newSecret } from "./signature.ts";
import type { Telling } from "./telling.ts";
import { deliveryView, webhookView } from "./views.ts";

export interface WebhookServiceParts {
  store: Store;
  seal: Seal;
  postman: Postman;
  telling: Telling;
}

/** Each event is looked up against all of them (L14). */
const webhooksMax = 50;

/** Webhooks and their deliveries, as admins see and change them (C7, C15). */
export class WebhookService implements WebhookDoor {
  readonly #parts: WebhookServiceParts;

  constructor(parts: WebhookServiceParts) {
    this.#parts = parts;
  }

  async list(): Promise<WebhookView[]> {
    const rows = await this.#parts.store.db.selectFrom("control_webhook").selectAll().orderBy("name").execute();
    return rows.map(webhookView);
  }

  async get(ref: string): Promise<WebhookView> {
    return webhookView(await this.#row(ref));
  }

  /**
   * @throws ProvostError `invalid_name`, `invalid_request`, `webhook_url_refused` for an address that nothing would be sent
   *   to, `webhook_exists`, `webhook_limit_reached`.
   */
  async add(input: WebhookRequest): Promise<CreatedWebhook> {
    const { store, seal } = this.#parts;
    const request = checkedRequest(input);
    const url = await this.#checkedUrl(request.url);
    const now = await store.now();
    const id = timedId("wh", now);
    const secret = newSecret();
    const saved = await store.write(async (write) => {
      await refuseTooMany(write);
      const row = await write.db
        .insertInto("control_webhook")
        .values({
          id,
          name: request.name,
          url: url.href,
          events: JSON.stringify([...new Set(request.events)]),
          secret: seal.seal(secret, secretPlace(id)),
          created_at: now,
          created_by: write.by ?? null,
        })
        .onConflict((conflict) => conflict.doNothing())
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) throw taken(request.name);
      // Of its address the host alone: with some receivers the path is a credential.
      const after = { host: url.host, events: request.events };
      await write.audit({ at: now, action: "webhook.add", target: { id, name: request.name }, after });
      return row;
    });
    return { ...webhookView(saved), secret };
  }

  /** What is not delivered yet is given up. Throws `webhook_not_found`. */
  async remove(ref: string): Promise<WebhookView> {
    const { store } = this.#parts;
    const row = await this.#row(ref);
    const now = await store.now();
    await store.write(async (write) => {
      const gone = await write.db
        .deleteFrom("control_webhook")
        .where("id", "=", row.id)
        .returning("id")
        .executeTakeFirst();
      if (gone === undefined) return;
      const before = { host: new URL(row.url).host, events: webhookView(row).events };
      await write.audit({ at: now, action: "webhook.remove", target: { id: row.id, name: row.name }, before });
    });
    // Behind the transaction, since they may be many: a job that comes before this finds the webhook gone.
    await store.db
      .updateTable("control_webhook_delivery")
      .set({ status: "failed", answer: orphanWords, answer_status: null, next_attempt_at: null })
      .where("webhook_id", "=", row.id)
      .where("status", "=", "pending")
      .execute();
    return webhookView(row);
  }

  /** Sends `webhook.test`, once, whatever events it listens to. Throws `webhook_not_found`. */
  async test(ref: string): Promise<Delivery> {
    const { store, telling } = this.#parts;
    const { id: webhookId, name } = await this.#row(ref);
    const now = await store.now();
    const id = await store.write(async (write) => {
      const body = telling.testBody(name, now);
      const message = { webhookId, event: "webhook.test", instanceId: null, body, attemptsMax: 1, at: now };
      const made = await telling.enqueue(write, message);
      await write.audit({
        at: now,
        action: "webhook.test",
        target: { id: webhookId, name },
        after: { delivery: made },
      });
      return made;
    });
    return deliveryView(await this.#delivery(webhookId, id));
  }

  /** Newest first. Throws `webhook_not_found`. */
  async deliveries(ref: string, query: DeliveryQuery): Promise<Listed<Delivery>> {
    const { id } = await this.#row(ref);
    let select = this.#parts.store.db
      .selectFrom("control_webhook_delivery")
      .selectAll()
      .where("webhook_id", "=", id)
      .orderBy("id", "desc")
      .limit(query.limit + 1);
    if (query.status !== undefined) select = select.where("status", "=", query.status);
    if (query.after !== undefined) select = select.where("id", "<", query.after);
    const rows = await select.execute();
    const items = rows.slice(0, query.limit).map(deliveryView);
    const last = items.at(-1);
    return rows.length > query.limit && last !== undefined ? { items, next: last.id } : { items };
  }

  /** Throws `webhook_not_found`, `delivery_not_found`. */
  async delivery(ref: string, id: string): Promise<DeliveryWithBody> {
    const row = await this.#delivery((await this.#row(ref)).id, id);
    return { ...deliveryView(row), body: row.body };
  }

  /**
   * Sends a delivery again, in whatever state it is: the same body under the same id, signed anew, with a round of attempts
   * of its own. One that waits for its next attempt is sent at once.
   *
   * @throws ProvostError `webhook_not_found`, `delivery_not_found`.
   */
  async redeliver(ref: string, id: string): Promise<Delivery> {
    const { store, telling } = this.#parts;
    const webhook = await this.#row(ref);
    const before = await this.#delivery(webhook.id, id);
    const now = await store.now();
    await store.write(async (write) => {
      const saved = await write.db
        .updateTable("control_webhook_delivery")
        .set((eb) => ({
          status: "pending",
          next_attempt_at: now,
          attempts_max: eb("attempts", "+", telling.attemptsMax),
        }))
        .where("id", "=", id)
        .returning("attempts")
        .executeTakeFirst();
      if (saved === undefined) throw noDelivery(webhook.name, id);
      // The job of one that is over may be about to end still, and would take a wake along with it.
      if (before.status === "pending") await telling.hurry(write, id, webhook.id);
      else await telling.send(write, id, webhook.id);
      await write.audit({
        at: now,
        action: "webhook.redeliver",
        target: { id, name: webhook.name },
        before: { status: before.status, attempts: before.attempts },
        after: { status: "pending", attempts: saved.attempts },
      });
    });
    return deliveryView(await this.#delivery(webhook.id, id));
  }

  async #row(ref: string): Promise<Selectable<WebhookTable>> {
    const found = await this.#parts.store.db
      .selectFrom("control_webhook")
      .selectAll()
      .where(ref.startsWith("wh_") ? "id" : "name", "=", ref)
      .executeTakeFirst();
    if (found !== undefined) return found;
    throw new ProvostError(
      "webhook_not_found",
      `There is no webhook ${JSON.stringify(ref.slice(0, 80))}: \`provost webhook list\` shows them.`,
      { field: "webhook" },
    );
  }

  async #delivery(webhookId: string, id: string): Promise<Selectable<WebhookDeliveryTable>> {
    const found = await this.#parts.store.db
      .selectFrom("control_webhook_delivery")
      .selectAll()
      .where("id", "=", id)
      .where("webhook_id", "=", webhookId)
      .executeTakeFirst();
    if (found === undefined) throw noDelivery(webhookId, id);
    return found;
  }

  async #checkedUrl(text: string): Promise<URL> {
    const url = URL.parse(text);
    if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
      throw refused(
        JSON.stringify(text.slice(0, 80)),
        "it is no https address. Give one like https://hooks.example.com/provost",
      );
    }
    if (url.username !== "" || url.password !== "" || url.hash !== "") {
      throw refused(url.origin, "it carries a user, password or fragment. Leave those out: deliveries are signed");
    }
    const why = await this.#parts.postman.refusal(url);
    if (why !== undefined) throw refused(url.origin, why.replace(/\.$/, ""));
    return url;
  }
}

/** The lock of a count that two admins raise together is not worth one: a few more than the limit harm nobody. */
async function refuseTooMany({ db }: Write): Promise<void> {
  const { rows } = await db
    .selectFrom("control_webhook")
    .select(({ fn }) => fn.countAll().as("rows"))
    .executeTakeFirstOrThrow();
  if (Number(rows) < webhooksMax) return;
  throw new ProvostError(
    "webhook_limit_reached",
    `There are ${rows} webhooks, the limit is ${webhooksMax}: remove one first.`,
  );
}

function checkedRequest(input: WebhookRequest): ReturnType<typeof webhookRequestSchema.parse> {
  const { success, data, error } = webhookRequestSchema.safeParse(input);
  if (!success) {
    const issue = error.issues[0];
    const field = issue?.path.join(".") ?? "";
    throw new ProvostError("invalid_request", `${field || "The request"}: ${issue?.message ?? "is not valid"}.`, {
      field,
    });
  }
  if (namePattern.test(data.name)) return data;
  throw new ProvostError("invalid_name", `${JSON.stringify(data.name.slice(0, 80))} is no name: ${nameRule}.`, {
    field: "name",
  });
}

function taken(name: string): ProvostError {
  return new ProvostError(
    "webhook_exists",
    `A webhook ${JSON.stringify(name)} exists: choose another name, or remove that one first.`,
    {
      field: "name",
    },
  );
}

function refused(shown: string, why: string): ProvostError {
  return new ProvostError("webhook_url_refused", `Nothing would be sent to ${shown}: ${why}.`, { field: "url" });
}

function noDelivery(webhook: string, id: string): ProvostError {
  const shown = JSON.stringify(id.slice(0, 80));
  return new ProvostError(
    "delivery_not_found",
    `${webhook} has no delivery ${shown}: it is another's, or has been forgotten with its age.`,
    {
      field: "delivery",
    },
  );
}
