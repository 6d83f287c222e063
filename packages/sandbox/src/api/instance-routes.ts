import type { FastifyInstance } from "fastify";
import type { AccountClock } from "../clock/account-clock.ts";
import { notFound } from "../errors.ts";
import type { Images } from "../images/images.ts";
import { readRebuild, readResize, readUpdate } from "../instances/change-requests.ts";
import type { Cloud } from "../instances/cloud.ts";
import { readCreate } from "../instances/create-request.ts";
import { addressesOf, linodeView } from "../instances/linode-view.ts";
import type { InstanceRecord } from "../instances/record.ts";
import type { InstanceStore } from "../instances/store.ts";
import type { FilterFields } from "../lists/filter.ts";
import type { CallRequest, CallRoute, CallRunner } from "./call-runner.ts";
import { listHandler } from "./list-handler.ts";

export const INSTANCES = "/v4/linode/instances";

/** The fields Linode documents as filterable, and `image`, which it takes since 2023. */
const INSTANCE_FIELDS: FilterFields<InstanceRecord> = {
  id: (record) => record.id,
  label: (record) => record.label,
  tags: (record) => record.tags,
  region: (record) => record.region,
  group: (record) => record.group,
  image: (record) => record.image,
  ipv4: (record) => addressesOf(record),
};

export interface InstanceRouteParts {
  cloud: Cloud;
  store: InstanceStore;
  images: Images;
  time: AccountClock;
}

/** `/v4/linode/instances`: the instances themselves and what is done to them. */
export function instanceRoutes(server: FastifyInstance, calls: CallRunner, parts: InstanceRouteParts): void {
  const { cloud, store, images, time } = parts;
  const one = `${INSTANCES}/:linodeId`;
  const view = (record: InstanceRecord): Record<string, unknown> => linodeView(record, time.stamp());
  const findImage = (id: string) => images.find(id);
  server.post<CallRoute>(
    INSTANCES,
    calls.handler("create", (request) => view(cloud.create(readCreate(request.body, findImage)))),
  );
  server.get<CallRoute>(
    INSTANCES,
    listHandler(calls, "list", { items: () => store.all, fields: INSTANCE_FIELDS, view }),
  );
  server.get<CallRoute>(
    one,
    calls.handler("get", (request) => view(cloud.get(linodeId(request)))),
  );
  server.put<CallRoute>(
    one,
    calls.handler("update", (request) => view(cloud.update(linodeId(request), readUpdate(request.body)))),
  );
  server.delete<CallRoute>(
    one,
    calls.handler("delete", (request) => done(cloud.signal(linodeId(request), "delete"))),
  );
  for (const signal of ["boot", "reboot", "shutdown"] as const) {
    server.post<CallRoute>(
      `${one}/${signal}`,
      calls.handler("signal", (request) => done(cloud.signal(linodeId(request), signal))),
    );
  }
  server.post<CallRoute>(
    `${one}/resize`,
    calls.handler("signal", (request) => done(cloud.resize(linodeId(request), readResize(request.body)))),
  );
  server.post<CallRoute>(
    `${one}/rebuild`,
    calls.handler("signal", (request) => view(cloud.rebuild(linodeId(request), readRebuild(request.body, findImage)))),
  );
}

/** The instance's id in a path, or Linode's 404. */
export function linodeId(request: CallRequest): number {
  return pathNumber(request, "linodeId");
}

/** A number in a path, or Linode's 404. */
export function pathNumber(request: CallRequest, name: string): number {
  const text = request.params[name] ?? "";
  if (!/^\d{1,15}$/.test(text)) throw notFound();
  return Number(text);
}

/** Linode's answer to what has nothing to show. */
export function done(_effect: void): Record<string, never> {
  return {};
}
