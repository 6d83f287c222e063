import type { Catalog, ProviderView } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { providersQuery } from "../instances/queries.ts";
import { priceIn, whyNot, type CatalogImage, type Plan, type Price } from "./catalog.ts";
import { emptyOrder, faultsOf, type Faults, type Order } from "./order.ts";
import { catalogQuery } from "./queries.ts";

export interface Ordering {
  order: Order;
  set: (changes: Partial<Order>) => void;
  faults: Faults;
  providers: readonly ProviderView[] | undefined;
  catalog: Catalog | undefined;
  catalogError: unknown;
  plan: Plan | undefined;
  image: CatalogImage | undefined;
  price: Price;
  /** Why the plan cannot be had as chosen. */
  stock: string | undefined;
}

/** The form's choices, filled in from the provider's own defaults where nothing has been chosen yet. */
export function useOrder(start: Partial<Order>): Ordering {
  const [chosen, setChosen] = useState<Order>({ ...emptyOrder, ...start });
  const { data: providers } = useQuery(providersQuery);
  const provider =
    providers?.find(({ name }) => name === chosen.provider) ?? (chosen.provider === "" ? providers?.[0] : undefined);
  const { data: catalog, error } = useQuery(catalogQuery(provider?.name ?? ""));
  const order: Order = {
    ...chosen,
    provider: provider?.name ?? chosen.provider,
    region:
      fits(chosen.region, catalog?.regions) ??
      fits(provider?.defaults.region, catalog?.regions) ??
      catalog?.regions[0]?.id ??
      "",
    type:
      fits(chosen.type, catalog?.types) ?? fits(provider?.defaults.type, catalog?.types) ?? catalog?.types[0]?.id ?? "",
    image: fits(chosen.image, catalog?.images) ?? defaultImage(provider, catalog),
  };
  const plan = catalog?.types.find(({ id }) => id === order.type);
  const image = catalog?.images.find(({ id }) => id === order.image);
  return {
    order,
    set: (changes) => setChosen((before) => ({ ...before, ...changes })),
    faults: faultsOf(order),
    providers,
    catalog,
    catalogError: error,
    plan,
    image,
    price: plan === undefined ? { monthlyUsd: undefined, hourlyUsd: undefined } : priceIn(plan, order.region),
    stock: plan === undefined ? undefined : whyNot(plan, order.region, image),
  };
}

function fits(id: string | undefined, known: readonly { id: string }[] | undefined): string | undefined {
  return known?.some((each) => each.id === id) === true ? id : undefined;
}

/** As the server chooses: the provider's default, else its golden image. */
function defaultImage(provider: ProviderView | undefined, catalog: Catalog | undefined): string {
  const named = fits(provider?.defaults.image, catalog?.images);
  return named ?? catalog?.images.find(({ kind }) => kind === "golden")?.id ?? catalog?.images[0]?.id ?? "";
}
