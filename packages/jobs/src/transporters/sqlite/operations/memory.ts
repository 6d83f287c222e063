import { numberPlus } from "../../../core/memory.ts";
import type { MemoryAnswer, MemoryCondition, MemoryOperation, MemoryResult } from "../../permits.ts";
import type { Session } from "../session.ts";

const heldSql = "SELECT 1 AS found FROM jobs_permit WHERE ticket = ? AND fence IS NOT NULL";
const inUseSql = "SELECT 1 AS found FROM jobs_permit WHERE name = ? AND lease_until > ? LIMIT 1";
const getSql = "SELECT value FROM jobs_memory WHERE key = ?";
const putSql =
  "INSERT INTO jobs_memory (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
const removeSql = "DELETE FROM jobs_memory WHERE key = ?";

/** L12. A lease that has run out and that nobody has taken since is still its holder's: nobody was in the section meanwhile. */
export function applyMemory(
  session: Session,
  operations: readonly MemoryOperation[],
  { held = [], free }: MemoryCondition,
): MemoryAnswer {
  if (held.some((ticket) => session.get(heldSql, ticket) === undefined)) return { state: "refused", why: "lost" };
  if (free !== undefined && session.get(inUseSql, free, session.now) !== undefined) {
    return { state: "refused", why: "busy" };
  }
  return { state: "applied", results: operations.map((operation) => applyOne(session, operation)) };
}

/** True when it can be answered without writing. */
export function onlyReads(operations: readonly MemoryOperation[]): boolean {
  return operations.every(({ kind }) => kind === "get" || kind === "has");
}

function applyOne(session: Session, operation: MemoryOperation): MemoryResult {
  const { key } = operation;
  if (operation.kind === "remove") return { found: session.run(removeSql, key) === 1 };
  const there = session.get<{ value: string }>(getSql, key);
  const found = there !== undefined;
  if (operation.kind === "add") session.run(putSql, key, operation.value);
  if (operation.kind === "increment") {
    const value = numberPlus(key, there?.value, operation.by);
    session.run(putSql, key, value);
    return { found, value };
  }
  return operation.kind === "get" && found ? { found, value: there.value } : { found };
}
