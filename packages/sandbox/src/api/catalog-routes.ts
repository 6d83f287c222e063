import type { FastifyInstance } from "fastify";
import { LINODE_ACCOUNT, LINODE_PROFILE } from "../catalog/account.ts";
import { catalog } from "../catalog/catalog.ts";
import type { LinodeImage } from "../catalog/images.ts";
import type { LinodeType } from "../catalog/instance-types.ts";
import type { LinodeRegion } from "../catalog/regions.ts";
import { notFound } from "../errors.ts";
import type { CallKind } from "./call-kind.ts";
import type { CallRequest, CallRoute, CallRunner } from "./call-runner.ts";
import { type FilterFields, parseFilter } from "./filter.ts";
import { filterHeader } from "./instance-routes.ts";
import { listPage, readPageQuery } from "./pagination.ts";

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

/** What can be bought, and who asks: types, regions, images, account, profile. */
export function catalogRoutes(server: FastifyInstance, calls: CallRunner): void {
  const list = <Item>(kind: CallKind, path: string, items: readonly Item[], fields: FilterFields<Item>) =>
    server.get<CallRoute>(
      path,
      calls.handler(kind, (request) => {
        const query = readPageQuery(request.query);
        return listPage(items, parseFilter(filterHeader(request), fields), query, (item) => item);
      }),
    );
  const one = (path: string, find: (id: string) => unknown) =>
    server.get<CallRoute>(
      path,
      calls.handler("get", (request) => found(find(wildcard(request)))),
    );
  list("list", "/v4/linode/types", catalog.types, TYPE_FIELDS);
  one("/v4/linode/types/*", catalog.type);
  list("list", "/v4/regions", catalog.regions, REGION_FIELDS);
  one("/v4/regions/*", catalog.region);
  list("list_images", "/v4/images", catalog.images, IMAGE_FIELDS);
  one("/v4/images/*", catalog.image);
  server.get<CallRoute>(
    "/v4/account",
    calls.handler("get", () => LINODE_ACCOUNT),
  );
  server.get<CallRoute>(
    "/v4/profile",
    calls.handler("get", () => LINODE_PROFILE),
  );
}

/** The rest of the path: an image's id holds a slash (`linode/debian12`), which clients send as it is or escaped. */
function wildcard(request: CallRequest): string {
  return request.params["*"] ?? "";
}

function found(item: unknown): unknown {
  if (item === undefined) throw notFound();
  return item;
}
