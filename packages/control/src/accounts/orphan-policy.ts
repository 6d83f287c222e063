import { orphanPolicies, type OrphanPolicy } from "@provost/contract";

/** The policy of an account's row, read with all its columns. */
export function orphanPolicyOf(row: object): OrphanPolicy {
  const word: unknown = Reflect.get(row, "orphan_policy");
  return orphanPolicies.find((policy) => policy === word) ?? "none";
}
