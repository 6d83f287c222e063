import { RemoteScopes, type MemoryCall, type MemoryReply } from "./channel.ts";
import type { ThreadSeat } from "./manager-scopes.ts";
import { NamedTable } from "./named-table.ts";
import type { Scopes } from "./scope.ts";
import { TableSemaphores } from "./table-semaphores.ts";

/**
 * The scopes as an isolated process has them: through its manager, save that a thread with a seat takes the manager's semaphores
 * itself, out of shared memory.
 *
 * @param call carries a message to `MemoryHost.answer` and its reply back.
 */
export function isolatedScopes(
  call: (call: MemoryCall) => Promise<MemoryReply>,
  seat: ThreadSeat | undefined,
): { scopes: Scopes; remote: RemoteScopes } {
  const remote = new RemoteScopes(call);
  if (seat === undefined) return { scopes: remote.scopes, remote };
  const semaphores = new TableSemaphores(new NamedTable(seat.buffer, seat.seat));
  const { manager } = remote.scopes;
  return {
    remote,
    scopes: {
      ...remote.scopes,
      manager: {
        acquire: (wish) => semaphores.acquire(wish),
        // Permits of this scope are not lost while their holder can still ask: nothing is to be guarded.
        apply: (operations) => manager.apply(operations, []),
        applyAlone: (operations, wish) => manager.applyAlone(operations, wish),
      },
    },
  };
}
