import type { LinodeImage } from "../catalog/images.ts";
import { linodeTime } from "../clock/linode-time.ts";
import type { EventEntity } from "../events/event-record.ts";

/** An image of the account's own. Times of `created` and `updated` are the account's, epoch ms. */
export interface PrivateImage {
  readonly id: number;
  label: string;
  description: string | null;
  tags: readonly string[];
  readonly cloudInit: boolean;
  readonly sizeMb: number;
  readonly regions: readonly string[];
  readonly createdMs: number;
  updatedMs: number;
  /** When it is available (epoch ms, the process's clock); 0: it is. */
  dueMs: number;
  readonly eventId: number;
}

/** What `image bake` would have made (C2), so that a deploy can start from a golden image at once. */
export const GOLDEN_IMAGE: Readonly<PrivateImage> = {
  id: 1,
  label: "provost-golden-debian",
  description: "Debian with the first-boot service baked in",
  tags: ["golden"],
  cloudInit: true,
  sizeMb: 1_200,
  regions: ["us-east", "eu-central"],
  createdMs: Date.UTC(2026, 0, 5, 9, 12, 30),
  updatedMs: Date.UTC(2026, 0, 5, 9, 14, 58),
  dueMs: 0,
  eventId: 0,
};

/** The image as the feed names it. */
export function entityOf({ id, label }: PrivateImage): EventEntity {
  return { type: "image", id, label };
}

/** The image as Linode's API shows it. */
export function imageView(image: PrivateImage): LinodeImage {
  const status = image.dueMs === 0 ? "available" : "creating";
  return {
    id: `private/${image.id}`,
    label: image.label,
    description: image.description,
    created: linodeTime(image.createdMs),
    updated: linodeTime(image.updatedMs),
    created_by: "sandbox",
    deprecated: false,
    is_public: false,
    size: image.sizeMb,
    total_size: image.sizeMb * image.regions.length,
    type: "manual",
    status,
    vendor: null,
    eol: null,
    expiry: null,
    capabilities: image.cloudInit ? ["cloud-init"] : [],
    tags: [...image.tags],
    regions: image.regions.map((region) => ({ region, status })),
  };
}
