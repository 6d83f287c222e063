import type { FastifyInstance } from "fastify";
import type { AccountClock } from "../clock/account-clock.ts";
import type { ConsoleLog } from "../first-boot/console-log.ts";
import type { Population } from "../instances/population.ts";
import { fieldsOf } from "../instances/request-fields.ts";
import type { InstanceStore } from "../instances/store.ts";
import { readClockOffsetMs } from "../options.ts";
import type { StateSink } from "../state/state-sink.ts";
import type { Counters } from "../stats.ts";
import type { Faults } from "./faults.ts";

export interface ControlParts {
  faults: Faults;
  counters: Counters;
  store: InstanceStore;
  population: Population;
  time: AccountClock;
  state: StateSink;
  console: ConsoleLog;
}

/** What no cloud has: faults on demand, whole fleets at once, a clock to set, figures for proofs. No latency or limits. */
export function controlRoutes(server: FastifyInstance, parts: ControlParts): void {
  const { faults, counters, store, population, time, state, console: log } = parts;
  server.post("/sandbox/faults", (request, reply) => reply.code(201).send(faults.add(request.body)));
  server.get("/sandbox/faults", () => ({ faults: faults.list() }));
  server.delete("/sandbox/faults", () => {
    faults.clear();
    return {};
  });
  server.delete<{ Params: { id: string } }>("/sandbox/faults/:id", (request) => {
    faults.clear(Number(request.params.id));
    return {};
  });
  server.post("/sandbox/populate", (request) => {
    const populated = population.populate(request.body);
    return state.saved().then(() => populated);
  });
  server.post("/sandbox/vanish", (request) => {
    const ids = population.vanish(request.body);
    return state.saved().then(() => ({ ids }));
  });
  server.get("/sandbox/clock", () => ({ offset_ms: time.offsetMs }));
  server.put("/sandbox/clock", (request) => {
    time.offsetMs = readClockOffsetMs(fieldsOf(request.body)["offset_ms"]);
    return { offset_ms: time.offsetMs };
  });
  server.get<{ Querystring: { label?: string | string[] } }>("/sandbox/stats", (request) => {
    const { label } = request.query;
    return counters.show(store.all, Array.isArray(label) ? label[0] : label);
  });
  server.get<{ Params: { id: string } }>("/sandbox/instances/:id/console", (request) => {
    return { lines: log.read(Number(request.params.id)) };
  });
}
