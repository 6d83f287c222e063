import type { Session } from "@provost/contract";

export type Role = Session["role"];

/** The smallest first. */
const order: readonly Role[] = ["viewer", "operator", "admin"];

/** May a role do what needs another? */
export function permits(role: Role, needed: Role): boolean {
  return order.indexOf(role) >= order.indexOf(needed);
}
