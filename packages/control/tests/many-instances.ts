import type { World } from "./world.ts";

/** One of those that `manyInstances` makes, by what it can be found with. */
export interface Made {
  id: string;
  name: string;
  provider: string;
  region: string;
  type: string;
  status: string;
  tags: string[];
  providerId: string;
  ipv4: string;
  live: boolean;
}

const statuses = ["running", "running", "running", "provisioned", "stopped", "rebooting", "requested"];
const regions = ["us-east", "us-west", "eu-central", "ap-south"];

/** The `index`th: everything about it follows from that. */
function nth(index: number): Made {
  const digits = String(index).padStart(14, "0");
  const live = index % 10 < 3;
  return {
    id: `in_many0${digits}`,
    name: `${index % 3 === 0 ? "web" : "db"}-${index}`,
    provider: index % 8 < 3 ? "backup-site" : "sandbox",
    region: index % 1_000 === 0 ? "rare-1" : (regions[(index >> 1) % regions.length] ?? ""),
    type: index % 3 === 0 ? "g6-standard-2" : "g6-nanode-1",
    status: live ? (statuses[(index >> 2) % statuses.length] ?? "") : index % 20 === 5 ? "failed" : "destroyed",
    tags: [...(index % 2 === 0 ? ["even"] : []), ...(index % 130 === 0 ? ["team:blue"] : [])],
    providerId: String(700_000_000 + index),
    ipv4: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
    live,
  };
}

/** Rows of `count` instances, as of a store that is old: three in ten live, some failed and still there; no deploy, no server at the provider. */
export async function manyInstances(world: World, count: number): Promise<Made[]> {
  const all = Array.from({ length: count }, (_, index) => nth(index + 1));
  for (let from = 0; from < count; from += 500) {
    const values = all.slice(from, from + 500).map((one) => {
      const failed = one.status === "failed";
      const failure = `'{"code":"boot_stuck","step":"await-active","message":"x","whatToDo":"y"}'`;
      return `('${one.id}', '${one.name}', '${one.provider}', '${one.name}-x', '${one.region}', '${one.type}', 'linode/debian12', 5,
        '[]', '', '${one.status}', 'running', '${one.providerId}', 1, 0, 1, 1, '${JSON.stringify([one.ipv4])}', '[]', 3, 'x', 'none',
        1, 1, '${JSON.stringify(one.tags)}', ${one.live ? "null" : "5"}, ${failed ? failure : "null"})`;
    });
    await world.sql(`insert into control_instance (id, name, provider, provider_name, region, type, image, monthly_usd, ssh_keys,
      callback_url, status, desired, provider_id, create_attempt, create_open, accepted_at, active_at, ipv4, ipv6, stage,
      token_nonce, root_password_state, created_at, provisioned_at, tags, archived_at, failure) values ${values.join(", ")}`);
  }
  return all;
}
