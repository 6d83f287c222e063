import type { FastifyInstance } from "fastify";
import { notFound } from "../errors.ts";
import type { Cloud } from "../instances/cloud.ts";
import { readCreate, readUpdate } from "../instances/create-request.ts";
import { addressesOf, linodeView } from "../instances/linode-view.ts";
import type { InstanceRecord } from "../instances/record.ts";
import type { InstanceStore } from "../instances/store.ts";
import type { CallRequest, CallRoute, CallRunner } from "./call-runner.ts";
import { type FilterFields, parseFilter } from "./filter.ts";
import { listPage, readPageQuery } from "./pagination.ts";

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

/** `/v4/linode/instances` and what hangs below it. */
export function instanceRoutes(server: FastifyInstance, calls: CallRunner, cloud: Cloud, store: InstanceStore): void {
  const collection = "/v4/linode/instances";
  const one = `${collection}/:linodeId`;
  server.post<CallRoute>(
    collection,
    calls.handler("create", (request) => linodeView(cloud.create(readCreate(request.body)))),
  );
  server.get<CallRoute>(
    collection,
    calls.handler("list", (request) => {
      const query = readPageQuery(request.query);
      return listPage(store.all(), parseFilter(filterHeader(request), INSTANCE_FIELDS), query, linodeView);
    }),
  );
  server.get<CallRoute>(
    one,
    calls.handler("get", (request) => linodeView(cloud.get(linodeId(request)))),
  );
  server.put<CallRoute>(
    one,
    calls.handler("update", (request) => linodeView(cloud.update(linodeId(request), readUpdate(request.body)))),
  );
  server.delete<CallRoute>(
    one,
    calls.handler("delete", (request) => {
      cloud.signal(linodeId(request), "delete");
      return {};
    }),
  );
  for (const signal of ["boot", "reboot", "shutdown"] as const) {
    server.post<CallRoute>(
      `${one}/${signal}`,
      calls.handler("signal", (request) => {
        cloud.signal(linodeId(request), signal);
        return {};
      }),
    );
  }
}

/** The `X-Filter` header of a list. */
export function filterHeader(request: CallRequest): string | undefined {
  const header = request.headers["x-filter"];
  return Array.isArray(header) ? header[0] : header;
}

function linodeId(request: CallRequest): number {
  const { linodeId: id = "" } = request.params;
  if (!/^\d{1,15}$/.test(id)) throw notFound();
  return Number(id);
}
