import {
  deployRequestSchema,
  namePattern,
  nameRule,
  ProvostError,
  type Catalog,
  type DeployRequest,
  type ErrorCode,
  type ProviderView,
} from "@provost/contract";
import type { z } from "zod";
import { nearest } from "../accounts/nearest.ts";
import type { OpenAccount, ProviderService } from "../accounts/provider-service.ts";
import { requestDigest } from "./idempotency.ts";

export type CheckedRequest = z.output<typeof deployRequestSchema>;

/** What will be asked of the provider, every default filled in. */
export interface DeployPlan {
  region: string;
  type: string;
  image: string;
  monthlyUsd: number | undefined;
  hourlyUsd: number | undefined;
}

/** Throws `invalid_request`, `invalid_name`. */
export function checkedRequest(input: DeployRequest): CheckedRequest {
  const parsed = deployRequestSchema.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join(".") ?? "";
    const detail = `${field || "The request"}: ${issue?.message ?? "is not valid"}.`;
    throw new ProvostError("invalid_request", detail, field === "" ? {} : { field });
  }
  if (!namePattern.test(parsed.data.name)) {
    const shown = JSON.stringify(parsed.data.name.slice(0, 60));
    throw new ProvostError("invalid_name", `${shown} is no name: ${nameRule}.`, { field: "name" });
  }
  return parsed.data;
}

/** The same for the same request, whatever the order of its fields. */
export function requestHash(request: CheckedRequest): string {
  const { name, provider, region, type, image, sshKeys, script, tags } = request;
  const ordered = [name, provider, region ?? null, type ?? null, image ?? null, sshKeys, script ?? null];
  // An older server knows no tags: without any the key of a request stays what it was.
  if (tags.length > 0) ordered.push(tags);
  return requestDigest(ordered);
}

/**
 * Fills in the account's defaults and checks each choice against its catalog, which is asked for anew before anything is
 * refused: a new image counts at once. An image that Provost has baked can be named as Provost calls it.
 *
 * @throws ProvostError `invalid_request` with the field that has no default, `region_not_found`, `type_not_found`,
 *   `image_not_found`, `type_not_in_region`, `image_too_large`, `provider_unavailable`, …
 */
export async function planned(
  providers: Pick<ProviderService, "catalogOf" | "bakedImageId">,
  { row, account }: { row: Pick<OpenAccount["row"], "name" | "defaults">; account: OpenAccount["account"] },
  asked: CheckedRequest,
): Promise<DeployPlan> {
  const ours = asked.image === undefined ? undefined : await providers.bakedImageId(row.name, asked.image);
  const request = ours === undefined ? asked : { ...asked, image: ours };
  try {
    return choose(await providers.catalogOf(account), row.defaults, request);
  } catch (error) {
    if (!(error instanceof ProvostError) || error.field === undefined) throw error;
    return choose(await providers.catalogOf(account, 0), row.defaults, request);
  }
}

function choose(catalog: Catalog, defaults: ProviderView["defaults"], request: CheckedRequest): DeployPlan {
  const provider = request.provider;
  const onlyRegion = catalog.regions.length === 1 ? catalog.regions[0]?.id : undefined;
  const golden = catalog.images.find(({ kind }) => kind === "golden")?.id;
  const region = chosen("region", request.region ?? defaults.region ?? onlyRegion, catalog.regions, provider);
  const type = chosen("type", request.type ?? defaults.type, catalog.types, provider);
  const image = chosen("image", request.image ?? defaults.image ?? golden, catalog.images, provider);
  checkFit(catalog, { region, type, image }, provider);
  const { monthlyUsd, hourlyUsd } = type.regionPrices?.[region.id] ?? type;
  return { region: region.id, type: type.id, image: image.id, monthlyUsd, hourlyUsd };
}

interface Choice {
  region: Catalog["regions"][number];
  type: Catalog["types"][number];
  image: Catalog["images"][number];
}

/** Each is offered; here, whether they go together. Where the provider does not say, its own answer will. */
function checkFit(catalog: Catalog, { region, type, image }: Choice, provider: string): void {
  if (type.soldOutIn?.includes(region.id) === true) {
    const there = catalog.types.filter((each) => each.soldOutIn?.includes(region.id) !== true && isLike(each, type));
    const where = catalog.regions.filter(({ id }) => type.soldOutIn?.includes(id) !== true);
    throw new ProvostError(
      "type_not_in_region",
      `${provider} has no ${type.id} in ${region.id} now. ${either("It is in", idsOf(where))}; ${either(`like it in ${region.id}:`, idsOf(there))}.`,
      { field: "type" },
    );
  }
  const needed = image.sizeMb ?? 0;
  if (type.diskGb > 0 && type.diskGb * 1_024 < needed) {
    const larger = catalog.types
      .filter(({ diskGb }) => diskGb * 1_024 >= needed)
      .toSorted((one, other) => one.diskGb - other.diskGb);
    throw new ProvostError(
      "image_too_large",
      `${image.id} needs a disk of ${needed} MB, and ${type.id} has ${type.diskGb} GB. ${either("Large enough:", idsOf(larger))}.`,
      { field: "type" },
    );
  }
}

/** A person would take the one for the other. */
function isLike(one: Choice["type"], other: Choice["type"]): boolean {
  return one.memoryMb >= other.memoryMb && one.memoryMb <= other.memoryMb * 2;
}

function idsOf(items: readonly { id: string }[]): string[] {
  return items.map(({ id }) => id);
}

const shownMax = 5;

function either(what: string, some: readonly string[]): string {
  const shown = some.length === 0 ? "none" : some.slice(0, shownMax).join(", ");
  return `${what} ${shown}${some.length > shownMax ? ", …" : ""}`;
}

const notFound = {
  region: "region_not_found",
  type: "type_not_found",
  image: "image_not_found",
} as const satisfies Record<string, ErrorCode>;

/** The one of this id. Throws what `planned` throws. */
export function chosen<T extends { id: string }>(
  field: keyof typeof notFound,
  id: string | undefined,
  offered: readonly T[],
  provider: string,
): T {
  const ids = offered.map((one) => one.id);
  if (id === undefined) {
    const some = ids.slice(0, 5).join(", ");
    throw new ProvostError(
      "invalid_request",
      `No ${field} is given, and ${provider} has no default: give one of ${some}${ids.length > 5 ? ", …" : ""}.`,
      { field },
    );
  }
  const found = offered.find((one) => one.id === id);
  if (found !== undefined) return found;
  const close = nearest(id, ids);
  const way = close.length === 0 ? "it offers none" : `nearest: ${close.join(", ")}`;
  throw new ProvostError(
    notFound[field],
    `${provider} has no ${field} ${JSON.stringify(id.slice(0, 100))}; ${way}. All of them: provost provider catalog ${provider}.`,
    { field },
  );
}
