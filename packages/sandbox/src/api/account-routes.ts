import type { FastifyInstance } from "fastify";
import { LINODE_ACCOUNT, LINODE_PROFILE } from "../catalog/account.ts";
import type { AccountClock } from "../clock/account-clock.ts";
import { linodeTime } from "../clock/linode-time.ts";
import { notFound } from "../errors.ts";
import type { EventLog } from "../events/event-log.ts";
import type { EventRecord } from "../events/event-record.ts";
import { eventView } from "../events/event-view.ts";
import type { FilterFields } from "../lists/filter.ts";
import type { CallRoute, CallRunner } from "./call-runner.ts";
import { pathNumber } from "./instance-routes.ts";
import { listHandler } from "./list-handler.ts";

/** The fields Linode documents as filterable. */
const EVENT_FIELDS: FilterFields<EventRecord> = {
  id: (event) => event.id,
  action: (event) => event.action,
  created: (event) => linodeTime(event.createdMs),
  "entity.id": (event) => event.entity.id,
  "entity.type": (event) => event.entity.type,
  read: () => false,
};

export interface AccountRouteParts {
  events: EventLog;
  time: AccountClock;
}

/** Who asks, and what happened on the account (C10): the newest events first. */
export function accountRoutes(server: FastifyInstance, calls: CallRunner, { events, time }: AccountRouteParts): void {
  const view = (event: EventRecord): Record<string, unknown> => eventView(event, time.stamp());
  server.get<CallRoute>(
    "/v4/account/events",
    listHandler(calls, "list", { items: () => events.all, fields: EVENT_FIELDS, view, newestFirst: true }),
  );
  server.get<CallRoute>(
    "/v4/account/events/:eventId",
    calls.handler("get", (request) => {
      const event = events.get(pathNumber(request, "eventId"));
      if (event === undefined) throw notFound();
      return view(event);
    }),
  );
  server.get<CallRoute>(
    "/v4/account",
    calls.handler("get", () => LINODE_ACCOUNT),
  );
  server.get<CallRoute>(
    "/v4/profile",
    calls.handler("get", () => LINODE_PROFILE),
  );
}
