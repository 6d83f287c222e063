import { ProvostError, roles, type Role } from "@provost/contract";

/** Who may call a route, and the name under which the audit log has it. */
export interface RouteRule {
  /** `anyone`: open. `instance`: an instance, whose token the route itself checks (C6). Else the least role that may. */
  who: "anyone" | "instance" | Role;
  /** Of what is done to something; reads have none. */
  action?: string;
}

const open: RouteRule = { who: "anyone" };
const read: RouteRule = { who: "viewer" };
const manage: RouteRule = { who: "admin" };

/**
 * Every route of the server and who may call it: the one place that says so (C15). Viewers read; operators deploy, signal
 * and destroy; admins manage tokens, providers and webhooks. A route that is not here does not start.
 */
const rules: Readonly<Record<string, RouteRule>> = {
  "GET /": open,
  // The page's files, and the page itself at its own addresses; below /v1 nobody is told what there is not.
  "GET /*": open,
  "GET /v1/*": read,
  "GET /reference": open,
  "GET /reference/*": open,
  "GET /v1/openapi.json": open,
  "GET /v1/health": open,
  "POST /v1/callbacks/:instanceId": { who: "instance" },

  // It tells the audit log itself: there is no "who" before it.
  "POST /v1/session": open,
  "GET /v1/session": read,
  "DELETE /v1/session": { who: "viewer", action: "session.close" },

  "GET /v1/instances": read,
  "GET /v1/instances/counts": read,
  "POST /v1/instances": { who: "operator", action: "instance.deploy" },
  "GET /v1/instances/:ref": read,
  "DELETE /v1/instances/:ref": { who: "operator", action: "instance.destroy" },
  "PUT /v1/instances/:ref/tags": { who: "operator", action: "instance.tag" },
  "POST /v1/instances/:ref/boot": { who: "operator", action: "instance.boot" },
  "POST /v1/instances/:ref/reboot": { who: "operator", action: "instance.reboot" },
  "POST /v1/instances/:ref/shutdown": { who: "operator", action: "instance.shutdown" },
  "POST /v1/instances/:ref/power-off": { who: "operator", action: "instance.power-off" },
  "POST /v1/instances/:ref/resize": { who: "operator", action: "instance.resize" },
  "POST /v1/instances/:ref/snapshot": { who: "operator", action: "instance.snapshot" },
  "POST /v1/instances/:ref/restore": { who: "operator", action: "instance.restore" },
  "POST /v1/instances/:ref/protect": { who: "operator", action: "instance.protect" },
  "POST /v1/instances/:ref/unprotect": { who: "operator", action: "instance.unprotect" },
  "GET /v1/instances/:ref/backups": read,
  "GET /v1/instances/:ref/tasks": read,
  "GET /v1/tasks/:id": read,
  "POST /v1/tasks/:id/cancel": { who: "operator", action: "task.cancel" },
  "GET /v1/instances/:ref/events": read,
  "GET /v1/instances/:ref/events/stream": read,
  "GET /v1/instances/:ref/logs": read,
  "POST /v1/instances/:ref/root-password": { who: "operator", action: "instance.reveal-password" },

  "GET /v1/fleets": read,
  // It changes nothing, and is of no use to who may not go on.
  "POST /v1/fleets/preview": { who: "operator" },
  "POST /v1/fleets": { who: "operator", action: "fleet.begin" },
  "GET /v1/fleets/:id": read,
  "GET /v1/fleets/:id/members": read,
  "POST /v1/fleets/:id/cancel": { who: "operator", action: "fleet.cancel" },
  "POST /v1/instances/:ref/release": { who: "operator", action: "instance.release" },
  "POST /v1/instances/adopt": { who: "operator", action: "instance.adopt" },

  "GET /v1/orphans": read,
  "DELETE /v1/orphans/:provider/:id": { who: "operator", action: "orphan.destroy" },
  "POST /v1/orphans/:provider/:id/adopt": { who: "operator", action: "instance.adopt" },
  "GET /v1/sweeps": read,
  "GET /v1/images": read,
  "POST /v1/images": { who: "operator", action: "image.bake" },
  "GET /v1/images/:ref": read,
  "DELETE /v1/images/:ref": { who: "operator", action: "image.delete" },
  // It changes the provider, for everyone's deploys.
  "POST /v1/images/:ref/default": { who: "admin", action: "image.default" },

  "GET /v1/jobs": read,
  "GET /v1/jobs/overview": read,
  "GET /v1/jobs/counts": read,
  "GET /v1/jobs/stream": read,
  "GET /v1/jobs/:id": read,
  "GET /v1/jobs/:id/logs": read,
  "GET /v1/jobs/:id/why": read,
  "GET /v1/jobs/:id/flow": read,
  "GET /v1/jobs/:id/flow/stages/:stage": read,
  "POST /v1/jobs/:id/run-now": { who: "operator", action: "job.run-now" },
  "POST /v1/jobs/:id/retry": { who: "operator", action: "job.retry" },
  "POST /v1/jobs/:id/cancel": { who: "operator", action: "job.cancel" },
  "POST /v1/jobs/:id/hold": { who: "operator", action: "job.hold" },
  "POST /v1/jobs/:id/unhold": { who: "operator", action: "job.unhold" },
  "POST /v1/jobs/:id/move": { who: "operator", action: "job.move" },
  // As of fleets: it changes nothing.
  "POST /v1/jobs/actions/preview": { who: "operator" },
  "POST /v1/jobs/actions": { who: "operator", action: "job.actions" },
  "GET /v1/queues": read,
  "GET /v1/queues/:name": read,
  "PATCH /v1/queues/:name": { who: "operator", action: "queue.set-limits" },
  "POST /v1/queues/:name/pause": { who: "operator", action: "queue.pause" },
  "POST /v1/queues/:name/resume": { who: "operator", action: "queue.resume" },
  "GET /v1/schedules": read,
  "GET /v1/schedules/:name": read,
  "GET /v1/schedules/:name/ticks": read,
  "POST /v1/schedules/:name/run": { who: "operator", action: "schedule.run" },
  "POST /v1/schedules/:name/pause": { who: "operator", action: "schedule.pause" },
  "POST /v1/schedules/:name/resume": { who: "operator", action: "schedule.resume" },
  "GET /v1/processes": read,
  "GET /v1/processes/:id": read,
  "POST /v1/processes/:id/quiet": { who: "operator", action: "process.quiet" },
  "POST /v1/processes/:id/resume": { who: "operator", action: "process.resume" },
  // A server whose process has stopped deploys nothing until it is started again.
  "POST /v1/processes/:id/stop": { who: "admin", action: "process.stop" },

  "GET /v1/stream": read,
  "GET /v1/system": read,
  "GET /v1/drivers": read,
  "GET /v1/providers": read,
  "POST /v1/providers": { who: "admin", action: "provider.add" },
  "GET /v1/providers/:name": read,
  "GET /v1/providers/:name/catalog": read,
  "PUT /v1/providers/:name/orphan-policy": { who: "admin", action: "provider.orphan-policy" },
  "POST /v1/providers/:name/check": { who: "admin", action: "provider.check" },
  "POST /v1/providers/:name/resume": { who: "admin", action: "provider.resume" },

  "GET /v1/audit": read,

  "GET /v1/tokens": manage,
  "POST /v1/tokens": { who: "admin", action: "token.create" },
  "DELETE /v1/tokens/:ref": { who: "admin", action: "token.revoke" },

  // Addresses of webhooks may be credentials: seeing them is managing them.
  "GET /v1/webhooks": manage,
  "POST /v1/webhooks": { who: "admin", action: "webhook.add" },
  "GET /v1/webhooks/:ref": manage,
  "DELETE /v1/webhooks/:ref": { who: "admin", action: "webhook.remove" },
  "POST /v1/webhooks/:ref/test": { who: "admin", action: "webhook.test" },
  "GET /v1/webhooks/:ref/deliveries": manage,
  "GET /v1/webhooks/:ref/deliveries/:id": manage,
  "POST /v1/webhooks/:ref/deliveries/:id/redeliver": { who: "admin", action: "webhook.redeliver" },
};

/** What a request to no route at all needs: strangers are not told what there is. */
const nowhere: RouteRule = read;

/** @throws ProvostError `internal` for a route that has no rule. */
export function ruleOf(method: string, url: string | undefined): RouteRule {
  if (url === undefined) return nowhere;
  const rule = rules[`${method === "HEAD" ? "GET" : method} ${url}`];
  if (rule !== undefined) return rule;
  throw new ProvostError("internal", `${method} ${url} has no rule: say in route-rules.ts who may call it.`);
}

export function permits(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}
