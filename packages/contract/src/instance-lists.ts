import { z } from "zod";
import { instanceStatuses, tagListSchema } from "./schemas.ts";

/** A count that is larger is told as one more than this: no list is counted to its end. */
export const countMax = 10_000;

const count = z
  .number()
  .int()
  .describe(`${countMax + 1} stands for more than ${countMax}`);

/** How many live instances stand where. */
export const instanceCountsSchema = z.object({
  statuses: z.partialRecord(z.enum(instanceStatuses), count).describe("A status that no instance has is left out"),
  failed: count.describe("Failed ones that are still there to look at (`failed=true`)"),
});
export type InstanceCounts = z.infer<typeof instanceCountsSchema>;

const oneOrMore = z.string().min(1).max(500).optional();

/** What a list of instances can be narrowed by: every term must hold; values between commas are alternatives. */
export const instanceFilterSchema = z.strictObject({
  provider: oneOrMore.describe("Names"),
  region: oneOrMore,
  status: oneOrMore.describe("running,provisioned"),
  type: oneOrMore,
  tag: oneOrMore.describe("It has one of these tags"),
  name: oneOrMore.describe("It begins with one of these"),
  q: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe("In its name, a tag or its id at the provider; digits with a dot: in an IPv4 address; or its id"),
});
export type InstanceFilter = z.infer<typeof instanceFilterSchema>;

export const tagsRequestSchema = z.strictObject({ tags: tagListSchema.describe("All it shall have from now on") });
export type TagsRequest = z.input<typeof tagsRequestSchema>;
