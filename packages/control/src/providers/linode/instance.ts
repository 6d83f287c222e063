import type { Owner, ProviderInstance, ProviderStatus } from "../provider.ts";
import type { Linode } from "./shapes.ts";

/** Linode's words (API v4) in Provost's; what is not here (`billing_suspension`) is `unknown`. */
const statuses: Readonly<Record<string, ProviderStatus>> = {
  provisioning: "creating",
  booting: "booting",
  running: "running",
  rebooting: "rebooting",
  shutting_down: "stopping",
  offline: "stopped",
  stopped: "stopped",
  resizing: "resizing",
  deleting: "destroying",
  busy: "busy",
  migrating: "busy",
  rebuilding: "busy",
  cloning: "busy",
  restoring: "busy",
};

const tagPrefix = { deployment: "provost:", instance: "provost-instance:" } as const;

export function toInstance(linode: Linode): ProviderInstance {
  const owner = ownerOf(linode.tags ?? []);
  const backups = linode.backups?.enabled;
  return {
    id: String(linode.id),
    name: linode.label,
    ...(owner === undefined ? {} : { owner }),
    status: statuses[linode.status] ?? "unknown",
    statusText: linode.status,
    region: linode.region,
    type: linode.type ?? "",
    ...(typeof linode.image === "string" ? { image: linode.image } : {}),
    ipv4: linode.ipv4 ?? [],
    ipv6: typeof linode.ipv6 === "string" ? [linode.ipv6.replace(/\/\d+$/, "")] : [],
    ...(typeof backups === "boolean" ? { backups } : {}),
    ...(typeof linode.created === "string" ? { createdAt: instant(linode.created) } : {}),
  };
}

/** Two tags of 3–50 characters, as Linode takes them. */
export function ownerTags(owner: Owner): string[] {
  return [deploymentTag(owner.deployment), tagPrefix.instance + owner.instance];
}

export function deploymentTag(deployment: string): string {
  return tagPrefix.deployment + deployment;
}

/** The tags that are not ours. */
export function otherTags(tags: readonly string[]): string[] {
  return tags.filter((tag) => !Object.values(tagPrefix).some((prefix) => tag.startsWith(prefix)));
}

function ownerOf(tags: readonly string[]): Owner | undefined {
  const after = (prefix: string) => tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length);
  const deployment = after(tagPrefix.deployment);
  const instance = after(tagPrefix.instance);
  return deployment === undefined || instance === undefined ? undefined : { deployment, instance };
}

/** Linode's instants have no zone and are UTC. */
export function instant(created: string): string {
  return `${created.replace(/Z$/, "")}Z`;
}

export function instancePath(id: string): string {
  return `/linode/instances/${encodeURIComponent(id)}`;
}
