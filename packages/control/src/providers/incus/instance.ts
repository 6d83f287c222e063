import type { Owner, ProviderInstance, ProviderStatus } from "../provider.ts";
import type { InstanceAnswer, InstanceStateAnswer, Operation } from "./answers.ts";

/** Where the driver keeps what Incus has no field for. */
export const OWNER_DEPLOYMENT = "user.provost.deployment";
export const OWNER_INSTANCE = "user.provost.instance";
export const TYPE = "user.provost.type";
export const IMAGE = "user.provost.image";

/** Daily backups are the daemon's own scheduled snapshots (C3); the pattern tells them from those that were asked for. */
export const SNAPSHOT_SCHEDULE = "snapshots.schedule";
export const DAILY_SNAPSHOTS: Readonly<Record<string, string>> = {
  [SNAPSHOT_SCHEDULE]: "@daily",
  "snapshots.expiry": "7d",
  "snapshots.pattern": "daily-%d",
};

/** The one region of a server that is no member of a cluster. */
export const LOCAL_REGION = "local";

/** Incus' status codes; what is not here (110 Frozen, 112 Error) is `unknown`. */
const STATUS_BY_CODE: Readonly<Record<number, ProviderStatus>> = {
  101: "running",
  102: "stopped",
  103: "running",
  105: "creating",
  106: "booting",
  107: "stopping",
  108: "stopping",
  111: "running",
  113: "running",
};

/** While an operation runs the instance's own status still shows the state before it: "Stopped" while its image is unpacked. */
const STATUS_BY_OPERATION: Readonly<Record<string, ProviderStatus>> = {
  "Creating instance": "creating",
  "Creating container": "creating",
  "Starting instance": "booting",
  "Starting container": "booting",
  "Restarting instance": "rebooting",
  "Restarting container": "rebooting",
  "Stopping instance": "stopping",
  "Stopping container": "stopping",
  "Deleting instance": "destroying",
  "Deleting container": "destroying",
  "Restoring snapshot": "busy",
  "Rebuilding instance": "busy",
  "Migrating instance": "busy",
  "Migrating container": "busy",
  "Live-migrating instance": "busy",
};

/** Turns Incus' view into Provost's. `running` are the daemon's operations under way, `state` is there for running instances. */
export function toProviderInstance(
  answer: InstanceAnswer,
  running: readonly Operation[],
  state: InstanceStateAnswer | undefined,
): ProviderInstance {
  const task = running.find(
    (each) => STATUS_BY_OPERATION[each.description] !== undefined && concerns(each, answer.name),
  );
  const status = task === undefined ? undefined : STATUS_BY_OPERATION[task.description];
  const owner = ownerOf(answer.config);
  const image = answer.config[IMAGE] ?? answer.config["volatile.base_image"];
  const createdAt = instant(answer.created_at);
  const ipv4 = addressesOf(state, "inet");
  const ipv6 = addressesOf(state, "inet6");
  const seen = STATUS_BY_CODE[answer.status_code] ?? "unknown";
  // An init that is alone has not set up its signals: a shutdown sent to it now would be lost (seen on LXD 5.0.2 under load).
  const initAlone = seen === "running" && state?.processes === 1 && ipv4.length + ipv6.length === 0;
  return {
    id: answer.name,
    name: answer.name,
    ...(owner === undefined ? {} : { owner }),
    status: status ?? (initAlone ? "booting" : seen),
    statusText: task === undefined ? answer.status : `${answer.status} (${task.description})`,
    region: regionOf(answer.location),
    type: answer.config[TYPE] ?? "custom",
    ...(image === undefined ? {} : { image }),
    ipv4,
    ipv6,
    backups: (answer.config[SNAPSHOT_SCHEDULE] ?? "") !== "",
    ...(createdAt === undefined ? {} : { createdAt }),
  };
}

/** Whether an operation works on the instance. */
export function concerns(operation: Operation, name: string): boolean {
  // With a project the path carries `?project=`.
  return (operation.resources?.["instances"] ?? []).some((path) => path.split("?")[0]?.endsWith(`/instances/${name}`));
}

function ownerOf(config: Record<string, string>): Owner | undefined {
  const deployment = config[OWNER_DEPLOYMENT] ?? "";
  const instance = config[OWNER_INSTANCE] ?? "";
  return deployment === "" || instance === "" ? undefined : { deployment, instance };
}

function regionOf(location: string | null | undefined): string {
  return location === undefined || location === null || location === "" || location === "none"
    ? LOCAL_REGION
    : location;
}

/**
 * Addresses that can be reached from outside: no loopback, no link-local, and no bridge inside the instance (the golden
 * image's own Incus has one): an interface that leads out has a peer on the host.
 */
function addressesOf(state: InstanceStateAnswer | undefined, family: "inet" | "inet6"): string[] {
  const interfaces = Object.values(state?.network ?? {}).filter((each) => each.type !== "loopback");
  const outward = interfaces.filter((each) => (each.host_name ?? "") !== "");
  return (outward.length > 0 ? outward : interfaces)
    .flatMap((each) => each.addresses ?? [])
    .filter((each) => each.family === family && each.scope === "global")
    .map((each) => each.address);
}

/** Go's zero time stands for "never". */
export function instant(value: string | null | undefined): string | undefined {
  if (value === undefined || value === null || value.startsWith("0001-")) return undefined;
  const parsed = new Date(value);
  return Number.isNaN(parsed.getTime()) ? undefined : parsed.toISOString();
}

export function pathOf(id: string): string {
  return `/1.0/instances/${encodeURIComponent(id)}`;
}
