import { z } from "zod";
import { failureSchema } from "./schemas.ts";

/** `baking` and `available` hold the name; `failed` and `deleted` are kept to be read. */
export const imageStatuses = ["baking", "available", "failed", "deleted"] as const;
export type ImageStatus = (typeof imageStatuses)[number];

/** Where a bake is, in its order. */
export const bakeSteps = ["builder", "power-off", "snapshot", "register", "destroy-builder"] as const;
export type BakeStep = (typeof bakeSteps)[number];

/** An image that Provost has made, or makes (C2). */
export const imageSchema = z.object({
  id: z.string(),
  name: z.string(),
  provider: z.string(),
  status: z.enum(imageStatuses),
  step: z.enum(bakeSteps).optional().describe("Of a bake under way"),
  golden: z
    .boolean()
    .describe("Its first-boot service takes user data and reports: a deploy from it is ready in seconds"),
  default: z.boolean().describe("What a deploy on this provider takes that names no image"),
  base: z.string().describe("The image that its builder was made from"),
  region: z.string(),
  type: z.string(),
  recipeHash: z.string().describe("Of recipe and script: the same for images made alike"),
  providerImageId: z.string().optional().describe("Its id at the provider, as a deploy names it"),
  sizeMb: z.number().optional().describe("The disk that it needs, where the provider says so"),
  builderId: z.string().describe("The instance it was made on; its events are the bake's story"),
  flowId: z.string().optional(),
  failure: failureSchema.optional(),
  createdAt: z.string(),
  availableAt: z.string().optional(),
  endedAt: z.string().optional().describe("When it failed or was deleted"),
});
export type ImageView = z.infer<typeof imageSchema>;

export const bakeRequestSchema = z.strictObject({
  name: z.string(),
  provider: z.string().min(1),
  image: z
    .string()
    .min(1)
    .optional()
    .describe("What to start from; default: the provider's newest public Debian, else its golden image"),
  region: z.string().min(1).optional().describe("Default: the provider's default region"),
  type: z.string().min(1).optional().describe("Of the builder; default: the provider's default type"),
  script: z
    .string()
    .optional()
    .describe("Runs on the builder, as root, after the recipe; begins with its interpreter line"),
  recipe: z
    .boolean()
    .default(true)
    .describe("Provost's own recipe: no openssh-server, Incus installed, the first-boot service"),
});
export type BakeRequest = z.input<typeof bakeRequestSchema>;
