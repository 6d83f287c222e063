/** An image as `GET /v4/images` shows it. Sizes are MB; times are Linode's: UTC without a zone. */
export interface LinodeImage {
  id: string;
  label: string;
  description: string | null;
  created: string;
  updated: string;
  created_by: string;
  deprecated: boolean;
  is_public: boolean;
  size: number;
  total_size: number;
  type: "manual" | "automatic";
  status: "creating" | "pending_upload" | "available";
  vendor: string | null;
  eol: string | null;
  expiry: string | null;
  capabilities: string[];
  tags: string[];
  regions: { region: string; status: "available" | "creating" }[];
}

const DISTRIBUTIONS: readonly (readonly [id: string, label: string, vendor: string, sizeMb: number, eol: string])[] = [
  ["linode/debian11", "Debian 11", "Debian", 1_500, "2026-08-31T04:00:00"],
  ["linode/debian12", "Debian 12", "Debian", 1_800, "2028-06-30T04:00:00"],
  ["linode/debian13", "Debian 13", "Debian", 1_900, "2030-06-30T04:00:00"],
  ["linode/ubuntu22.04", "Ubuntu 22.04 LTS", "Ubuntu", 3_500, "2027-06-01T04:00:00"],
  ["linode/ubuntu24.04", "Ubuntu 24.04 LTS", "Ubuntu", 3_500, "2029-05-31T04:00:00"],
  ["linode/almalinux9", "AlmaLinux 9", "AlmaLinux", 2_200, "2032-05-31T04:00:00"],
  ["linode/rocky9", "Rocky Linux 9", "Rocky Linux", 2_200, "2032-05-31T04:00:00"],
  ["linode/fedora42", "Fedora 42", "Fedora", 1_800, "2026-05-13T04:00:00"],
  ["linode/alpine3.22", "Alpine 3.22", "Alpine", 300, "2027-05-01T04:00:00"],
  ["linode/arch", "Arch Linux", "Arch", 2_500, "2037-12-31T04:00:00"],
];

export const PUBLIC_IMAGES: readonly LinodeImage[] = DISTRIBUTIONS.map(([id, label, vendor, size, eol]) => ({
  id,
  label,
  description: null,
  created: "2025-08-14T22:44:02",
  updated: "2025-08-14T22:44:02",
  created_by: "linode",
  deprecated: false,
  is_public: true,
  size,
  total_size: size,
  type: "manual",
  status: "available",
  vendor,
  eol,
  expiry: null,
  capabilities: ["cloud-init"],
  tags: [],
  regions: [],
}));

const byId = new Map(PUBLIC_IMAGES.map((image) => [image.id, image]));

/** The distribution's image of that id. */
export function publicImage(id: string): LinodeImage | undefined {
  return byId.get(id);
}
