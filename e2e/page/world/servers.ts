import type { DeployRequest, FleetPreview, FleetView, ImageView, Instance } from "@provost/contract";
import type { Provost } from "../../harness/provost.ts";
import type { SandboxCloud } from "../../harness/sandbox.ts";
import { waitFor } from "../../harness/wait.ts";
import { untilStatus } from "./world.ts";

type Order = DeployRequest & { provider: string };

const at = (provider: string, name: string, type: string, region: string, tags: string[], script?: string): Order => ({
  name,
  provider,
  type,
  region,
  tags,
  ...(script === undefined ? {} : { script }),
});

const script = "#!/bin/sh\nset -e\napt-get update\napt-get install -y nginx\nsystemctl enable --now nginx\n";
const failing = (log: string): string => `#!/bin/sh\n# sandbox: fail exit=100 log=${log}\napt-get install -y incsu\n`;
const hanging = (log: string): string => `#!/bin/sh\n# sandbox: hang log=${log}\nmake -C /srv/app build\n`;

const standing: Order[] = [
  at("linode", "web-1", "g6-standard-1", "us-east", ["web", "prod"], script),
  at("linode", "web-2", "g6-standard-1", "us-east", ["web", "prod"], script),
  at("linode", "web-3", "g6-standard-1", "eu-central", ["web", "prod"], script),
  at("linode", "api-1", "g6-standard-2", "us-east", ["api", "prod"]),
  at("linode", "api-2", "g6-standard-2", "eu-central", ["api", "prod"]),
  at("linode", "db-1", "g6-dedicated-4", "us-east", ["db", "prod", "team:core"]),
  at("linode", "db-2", "g6-dedicated-4", "eu-central", ["db", "prod", "team:core"]),
  at("linode", "cache-1", "g6-nanode-1", "us-east", ["cache"]),
  at("linode", "ci-runner-1", "g6-standard-4", "us-east", ["ci"]),
  at("linode", "ci-runner-2", "g6-standard-4", "us-east", ["ci"]),
  at("staging", "staging-web", "g6-nanode-1", "eu-central", ["web", "staging"], script),
  at("staging", "staging-api", "g6-nanode-1", "eu-central", ["api", "staging"]),
];

/** What the screens of single things are opened with. */
export interface Filled {
  ready: Instance;
  failed: Instance;
  underWay: Instance;
  fleet: string;
}

/** Instances in every state that they can be in for a while, and what there is beside them. */
export async function fill(provost: Provost, cloud: SandboxCloud): Promise<Filled> {
  const deploy = (order: Order): Promise<Instance> => provost.post<Instance>("/v1/instances", order);
  await Promise.all([...standing, at("linode", "web-old", "g6-nanode-1", "us-east", ["web"])].map(deploy));
  await deploy(
    at("linode", "worker-7", "g6-standard-1", "us-east", ["worker"], failing("E: Unable to locate package incsu")),
  );
  await provost.post<ImageView>("/v1/images", { name: "base-2026-11", provider: "staging" });
  for (const { name } of standing) await untilStatus(provost, name, "provisioned");
  const failed = await untilStatus(provost, "worker-7", "failed");

  await provost.post("/v1/instances/db-1/protect", {});
  await provost.post("/v1/instances/ci-runner-2/shutdown", {});
  await provost.post("/v1/instances/api-2/resize", { type: "g6-standard-4" });
  await fetch(`${provost.url()}/v1/instances/web-old`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${provost.adminToken()}` },
  });
  await untilStatus(provost, "ci-runner-2", "stopped");
  await waitFor("api-2 to be resized", async () => (await provost.instance("api-2")).task === undefined);
  const fleet = await rebooted(provost);
  await orphaned(provost, cloud);
  await vanished(provost, cloud, "cache-1");
  await waitFor("an image", async () => {
    const { items } = await provost.get<{ items: ImageView[] }>("/v1/images");
    return items.some(({ status }) => status === "available");
  });
  await deploy(at("linode", "web-4", "g6-standard-1", "us-east", ["web", "prod"], hanging("[3/9] go build ./cmd/web")));
  await waitFor("web-4 to report", async () => (await provost.instance("web-4")).stage === "configuring");
  return {
    ready: await provost.instance("web-1"),
    failed,
    underWay: await provost.instance("web-4"),
    fleet,
  };
}

async function rebooted(provost: Provost): Promise<string> {
  const selection = { action: "reboot", filter: "name:web-*" };
  const { preview } = await provost.post<FleetPreview>("/v1/fleets/preview", selection);
  const { id } = await provost.post<FleetView>("/v1/fleets", { ...selection, preview });
  await waitFor("the fleet command's end", async () => {
    const { status } = await provost.get<FleetView>(`/v1/fleets/${id}`);
    return status !== "running";
  });
  return id;
}

/** Servers with our tag that no record knows. */
async function orphaned(provost: Provost, cloud: SandboxCloud): Promise<void> {
  const { deployment } = await provost.get<{ deployment: string }>("/v1/health");
  await cloud.populate({
    count: 2,
    label_prefix: "forgotten-",
    tags: [`provost:${deployment}`, "provost-instance:in_forgotten"],
  });
  await waitFor("orphans", async () => (await provost.get<{ items: unknown[] }>("/v1/orphans")).items.length === 2);
}

async function vanished(provost: Provost, cloud: SandboxCloud, name: string): Promise<void> {
  const { providerId } = await provost.instance(name);
  await cloud.vanish([Number(providerId)]);
  await untilStatus(provost, name, "missing");
}
