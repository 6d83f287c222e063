import type { ProviderDetail, SweepView, SystemView } from "@provost/contract";
import type { ProviderService } from "../accounts/provider-service.ts";
import type { OrphanService } from "../orphans/orphan-service.ts";
import { iso } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";
import type { SystemDoor } from "../surface.ts";
import type { ServerBook } from "./server-book.ts";

export interface SystemServiceParts {
  store: Store;
  providers: ProviderService;
  orphans: OrphanService;
  servers: ServerBook;
  version: string;
  deployment: () => string;
}

/** How everything is: some dozen short reads, however large the fleet. */
export class SystemService implements SystemDoor {
  readonly #parts: SystemServiceParts;

  constructor(parts: SystemServiceParts) {
    this.#parts = parts;
  }

  async view(): Promise<SystemView> {
    const { store, providers, orphans, servers, version, deployment } = this.#parts;
    const now = await store.now();
    const names = (await providers.list()).map(({ name }) => name);
    const [about, known, sweeps, webhooks, ...details] = await Promise.all([
      store.about(),
      servers.list(),
      orphans.sweeps(),
      this.#webhooks(),
      ...names.map((name) => providers.get(name)),
    ]);
    const startedAt = servers.startedAt ?? now;
    return {
      deployment: deployment(),
      version,
      node: process.versions.node,
      store: about,
      now: iso(now),
      startedAt: iso(startedAt),
      uptimeSeconds: Math.max(Math.floor((now - startedAt) / 1_000), 0),
      servers: known,
      providers: details.map((detail) =>
        inShort(
          detail,
          sweeps.find(({ provider }) => provider === detail.name),
          now,
        ),
      ),
      webhooks,
    };
  }

  async #webhooks(): Promise<SystemView["webhooks"]> {
    const { db } = this.#parts.store;
    const rows = await db
      .selectFrom("control_webhook as webhook")
      .select((eb) => [
        "webhook.id",
        eb
          .selectFrom("control_webhook_delivery as delivery")
          .select("delivery.status")
          .whereRef("delivery.webhook_id", "=", "webhook.id")
          .where("delivery.attempts", ">", 0)
          .orderBy("delivery.id", "desc")
          .limit(1)
          .as("last"),
      ])
      .execute();
    const failing = rows.filter(({ last }) => last !== null && last !== "delivered");
    return { count: rows.length, failing: failing.length };
  }
}

type InShort = SystemView["providers"][number];

function inShort(detail: ProviderDetail, sweep: SweepView | undefined, now: number): InShort {
  const { name, driver, circuits, brake, budgets, check } = detail;
  const errors = circuits.flatMap(({ lastError }) => (lastError === undefined ? [] : [lastError]));
  const lastError = errors.toSorted((a, b) => (a.at < b.at ? 1 : -1))[0];
  return {
    name,
    driver,
    state: stateOf(detail),
    circuits,
    ...(brake === undefined ? {} : { brake }),
    budgets: budgets.map(({ group, limit, left, waiting, blockedUntil }) => ({
      group,
      waiting,
      ...(limit === undefined ? {} : { limit }),
      ...(left === undefined ? {} : { left }),
      ...(blockedUntil === undefined ? {} : { blockedUntil }),
    })),
    ...(lastError === undefined ? {} : { lastError }),
    ...(check === undefined ? {} : { check }),
    ...(sweep === undefined ? {} : { sweep: sweepInShort(sweep, now) }),
  };
}

/** The worst first. */
function stateOf({ circuits, brake, check }: ProviderDetail): InShort["state"] {
  if (check?.code === "provider_credentials_rejected") return "credentials-rejected";
  if (circuits.some(({ state }) => state !== "failing")) return "down";
  if (brake !== undefined) return "braked";
  return circuits.length > 0 || check?.ok === false ? "failing" : "ok";
}

function sweepInShort({ state, startedAt, complete, errors, lastError }: SweepView, now: number): InShort["sweep"] {
  return {
    state,
    startedAt,
    errors,
    ...(complete === undefined
      ? {}
      : { completeAt: complete.endedAt, ageSeconds: Math.max((now - Date.parse(complete.endedAt)) / 1_000, 0) }),
    ...(lastError === undefined ? {} : { lastError }),
  };
}
