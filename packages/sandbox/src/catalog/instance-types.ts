/** A plan as `GET /v4/linode/types` shows it. Prices are US dollars; memory and disk are MB, transfer GB, network Mbit/s. */
export interface LinodeType {
  id: string;
  label: string;
  class: "nanode" | "standard" | "dedicated" | "premium" | "gpu" | "highmem";
  memory: number;
  disk: number;
  vcpus: number;
  gpus: number;
  transfer: number;
  network_out: number;
  price: { hourly: number; monthly: number };
  region_prices: { id: string; hourly: number; monthly: number }[];
  addons: {
    backups: {
      price: { hourly: number; monthly: number };
      region_prices: { id: string; hourly: number; monthly: number }[];
    };
  };
  successor: string | null;
}

type PlanRow = [
  id: string,
  label: string,
  planClass: LinodeType["class"],
  memoryGb: number,
  diskGb: number,
  vcpus: number,
  transferGb: number,
  networkOut: number,
  monthlyUsd: number,
  backupsMonthlyUsd: number,
];

const PLANS: readonly PlanRow[] = [
  ["g6-nanode-1", "Nanode 1GB", "nanode", 1, 25, 1, 1_000, 1_000, 5, 2],
  ["g6-standard-1", "Linode 2GB", "standard", 2, 50, 1, 2_000, 2_000, 12, 2.5],
  ["g6-standard-2", "Linode 4GB", "standard", 4, 80, 2, 4_000, 4_000, 24, 5],
  ["g6-standard-4", "Linode 8GB", "standard", 8, 160, 4, 5_000, 5_000, 48, 10],
  ["g6-standard-6", "Linode 16GB", "standard", 16, 320, 6, 8_000, 6_000, 96, 20],
  ["g6-standard-8", "Linode 32GB", "standard", 32, 640, 8, 16_000, 7_000, 192, 40],
  ["g6-dedicated-2", "Dedicated 4GB", "dedicated", 4, 80, 2, 4_000, 4_000, 36, 5],
  ["g6-dedicated-4", "Dedicated 8GB", "dedicated", 8, 160, 4, 5_000, 5_000, 72, 10],
  ["g6-dedicated-8", "Dedicated 16GB", "dedicated", 16, 320, 8, 6_000, 6_000, 144, 20],
  ["g7-premium-2", "Premium 4GB", "premium", 4, 80, 2, 4_000, 4_000, 43, 5],
  ["g7-premium-4", "Premium 8GB", "premium", 8, 160, 4, 5_000, 5_000, 86, 10],
  ["g7-highmem-1", "Linode 24GB", "highmem", 24, 20, 2, 5_000, 5_000, 60, 5],
  ["g1-gpu-rtx6000-1", "Dedicated 32GB + RTX6000 GPU x1", "gpu", 32, 640, 8, 16_000, 10_000, 1_000, 40],
];

/** Hourly prices are the monthly ones over 667 hours, which is how the published ones relate. */
function price(monthlyUsd: number): { hourly: number; monthly: number } {
  return { hourly: Math.round((monthlyUsd / 667) * 10_000) / 10_000, monthly: monthlyUsd };
}

/** São Paulo costs 40% more than elsewhere, so that clients meet a regional price. */
function dearer(monthlyUsd: number): { id: string; hourly: number; monthly: number }[] {
  return [{ id: "br-gru", ...price(Math.round(monthlyUsd * 140) / 100) }];
}

export const LINODE_TYPES: readonly LinodeType[] = PLANS.map(
  ([id, label, planClass, memoryGb, diskGb, vcpus, transfer, networkOut, monthlyUsd, backupsMonthlyUsd]) => ({
    id,
    label,
    class: planClass,
    memory: memoryGb * 1_024,
    disk: diskGb * 1_024,
    vcpus,
    gpus: planClass === "gpu" ? 1 : 0,
    transfer,
    network_out: networkOut,
    price: price(monthlyUsd),
    region_prices: dearer(monthlyUsd),
    addons: { backups: { price: price(backupsMonthlyUsd), region_prices: dearer(backupsMonthlyUsd) } },
    successor: null,
  }),
);
