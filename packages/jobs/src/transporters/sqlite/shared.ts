import type { MemoryStore, PermitStore } from "../permits.ts";
import { checkBatch, checkOperations } from "../bounds.ts";
import { onlyReads } from "./operations/memory.ts";
import type { OperationName, Operations } from "./protocol.ts";

/** One operation on a thread of the store. */
type Run = <K extends OperationName>(op: K, args: Operations[K]["args"]) => Promise<Operations[K]["result"]>;

/** L12 on the writer's thread. */
export function permitsOf(write: Run): PermitStore {
  return {
    acquire: async (requests) => {
      checkBatch("permits asked for", requests.length);
      return await write("acquire", [requests]);
    },
    renew: async (leases) => {
      checkBatch("permit leases", leases.length);
      return await write("renewPermits", [leases]);
    },
    release: async (tickets) => {
      checkBatch("permits given back", tickets.length);
      return await write("releasePermits", [tickets]);
    },
  };
}

/** What only reads never waits for a writer, of another process neither. */
export function memoryOf(read: Run, write: Run): MemoryStore {
  return {
    apply: async (operations, condition = {}) => {
      checkOperations(operations);
      return await (onlyReads(operations) ? read : write)("applyMemory", [operations, condition]);
    },
  };
}
