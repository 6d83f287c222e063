import type { JobDoor } from "../surface.ts";
import { JobActs, type JobActsParts } from "./job-acts.ts";
import { JobService } from "./job-service.ts";

/** Seeing and doing, as one door. */
export function jobDoor(parts: JobActsParts): JobDoor {
  const seen = new JobService(parts.manager);
  const acts = new JobActs(parts);
  return {
    overview: () => seen.overview(),
    list: (query) => seen.list(query),
    counts: (filter) => seen.counts(filter),
    get: (id) => seen.get(id),
    logs: (id, query) => seen.logs(id, query),
    why: (id) => seen.why(id),
    flow: (id) => seen.flow(id),
    flowPage: (id, stage, query) => seen.flowPage(id, stage, query),
    subscribe: (listener) => seen.subscribe(listener),
    act: (id, action, request) => acts.act(id, action, request),
    move: (id, request) => acts.move(id, request),
    preview: (request) => acts.preview(request),
    actAll: (request) => acts.actAll(request),
  };
}
