/** A backup of one instance at its provider (C3). */
export interface Backup {
  /** The provider's id; unique within the instance. */
  id: string;
  /** `daily`: by the provider's schedule. `snapshot`: asked for. */
  kind: "daily" | "snapshot";
  label: string;
  /** Only an `available` one can be restored. */
  status: "pending" | "available" | "failed";
  /** ISO 8601. */
  createdAt?: string;
}
