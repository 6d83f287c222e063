import type { FastifyInstance } from "fastify";
import { catalog, type Availability } from "../catalog/catalog.ts";
import type { LinodeImage } from "../catalog/images.ts";
import type { LinodeType } from "../catalog/instance-types.ts";
import type { LinodeRegion } from "../catalog/regions.ts";
import { notFound } from "../errors.ts";
import { readImageCreate, readImageUpdate } from "../images/image-requests.ts";
import type { Images } from "../images/images.ts";
import type { FilterFields } from "../lists/filter.ts";
import type { CallRequest, CallRoute, CallRunner } from "./call-runner.ts";
import { done } from "./instance-routes.ts";
import { listHandler } from "./list-handler.ts";

/** The fields Linode documents as filterable, list by list: a region's id is not one. */
const TYPE_FIELDS: FilterFields<LinodeType> = {
  class: (type) => type.class,
  disk: (type) => type.disk,
  gpus: (type) => type.gpus,
  label: (type) => type.label,
  memory: (type) => type.memory,
  network_out: (type) => type.network_out,
  transfer: (type) => type.transfer,
  vcpus: (type) => type.vcpus,
};
const REGION_FIELDS: FilterFields<LinodeRegion> = {
  country: (region) => region.country,
  "site-type": (region) => region["site-type"],
};
const AVAILABILITY_FIELDS: FilterFields<Availability> = {
  available: ({ available }) => available,
  plan: ({ plan }) => plan,
  region: ({ region }) => region,
};
const IMAGE_FIELDS: FilterFields<LinodeImage> = {
  deprecated: (image) => image.deprecated,
  is_public: (image) => image.is_public,
  label: (image) => image.label,
  size: (image) => image.size,
  status: (image) => image.status,
  tags: (image) => image.tags,
  type: (image) => image.type,
  vendor: (image) => image.vendor,
};

/** What can be bought, and what can be deployed: types, regions, images. */
export function catalogRoutes(server: FastifyInstance, calls: CallRunner, images: Images): void {
  const one = (path: string, find: (id: string) => unknown) =>
    server.get<CallRoute>(
      path,
      calls.handler("get", (request) => found(find(wildcard(request)))),
    );
  server.get<CallRoute>(
    "/v4/linode/types",
    listHandler(calls, "list", { items: () => catalog.types, fields: TYPE_FIELDS, view: asItIs }),
  );
  one("/v4/linode/types/*", catalog.type);
  server.get<CallRoute>(
    "/v4/regions",
    listHandler(calls, "list", { items: () => catalog.regions, fields: REGION_FIELDS, view: asItIs }),
  );
  server.get<CallRoute>(
    "/v4/regions/availability",
    listHandler(calls, "list", { items: () => catalog.availability, fields: AVAILABILITY_FIELDS, view: asItIs }),
  );
  one("/v4/regions/*", catalog.region);
  server.get<CallRoute>(
    "/v4/images",
    listHandler(calls, "list_images", { items: () => images.all(), fields: IMAGE_FIELDS, view: asItIs }),
  );
  one("/v4/images/*", (id) => images.find(id));
  server.post<CallRoute>(
    "/v4/images",
    calls.handler("update", (request) => images.create(readImageCreate(request.body))),
  );
  server.put<CallRoute>(
    "/v4/images/*",
    calls.handler("update", (request) => images.update(wildcard(request), readImageUpdate(request.body))),
  );
  server.delete<CallRoute>(
    "/v4/images/*",
    calls.handler("delete", (request) => done(images.remove(wildcard(request)))),
  );
}

function asItIs(item: unknown): unknown {
  return item;
}

/** The rest of the path: an image's id holds a slash (`linode/debian12`), which clients send as it is or escaped. */
function wildcard(request: CallRequest): string {
  return request.params["*"] ?? "";
}

function found(item: unknown): unknown {
  if (item === undefined) throw notFound();
  return item;
}
