import type { FastifyInstance } from "fastify";
import type { ConsoleLog } from "../first-boot/console-log.ts";
import type { InstanceStore } from "../instances/store.ts";
import type { Counters } from "../stats.ts";
import type { Faults } from "./faults.ts";

export interface ControlParts {
  faults: Faults;
  counters: Counters;
  store: InstanceStore;
  console: ConsoleLog;
}

/** What no cloud has: faults on demand, figures for proofs, a look at a guest's console. No latency, limits or faults. */
export function controlRoutes(server: FastifyInstance, { faults, counters, store, console: log }: ControlParts): void {
  server.post("/sandbox/faults", (request, reply) => reply.code(201).send(faults.add(request.body)));
  server.get("/sandbox/faults", () => ({ faults: faults.list() }));
  server.delete("/sandbox/faults", () => {
    faults.clear();
    return {};
  });
  server.get<{ Querystring: { label?: string | string[] } }>("/sandbox/stats", (request) => {
    const { label } = request.query;
    return counters.show(store.all(), Array.isArray(label) ? label[0] : label);
  });
  server.get<{ Params: { id: string } }>("/sandbox/instances/:id/console", (request) => {
    return { lines: log.read(Number(request.params.id)) };
  });
}
