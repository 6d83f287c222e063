import type { InstanceType } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";

/**
 * Incus has limits, not plans: these names stand for the usual ones. The disk is the storage pool's, shared and not divided
 * (a `dir` pool knows no quota), so it is told as 0.
 */
const TABLE: readonly InstanceType[] = [
  plan("c1-256mb", 1, 256),
  plan("c1-512mb", 1, 512),
  plan("c1-1gb", 1, 1024),
  plan("c1-2gb", 1, 2048),
  plan("c2-2gb", 2, 2048),
  plan("c2-4gb", 2, 4096),
  plan("c4-8gb", 4, 8192),
  plan("c8-16gb", 8, 16_384),
];

function plan(id: string, vcpus: number, memoryMb: number): InstanceType {
  const memory = memoryMb < 1024 ? `${memoryMb} MB` : `${memoryMb / 1024} GB`;
  return { id, label: `${vcpus} vCPU, ${memory}`, vcpus, memoryMb, diskGb: 0 };
}

export function instanceTypes(): InstanceType[] {
  return TABLE.map((type) => ({ ...type }));
}

/** The configuration keys that make an instance of this type. Throws `provider_type_not_found`. */
export function limitsOf(id: string): Record<string, string> {
  const type = TABLE.find((each) => each.id === id);
  if (type !== undefined) return { "limits.cpu": String(type.vcpus), "limits.memory": `${type.memoryMb}MiB` };
  throw new ProviderError({
    code: "provider_type_not_found",
    effect: "none",
    message: `there is no instance type '${id}'; take one of ${TABLE.map((each) => each.id).join(", ")}`,
  });
}
