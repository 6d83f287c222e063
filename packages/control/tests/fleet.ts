import { vi } from "vitest";
import type { World } from "./world.ts";

/** Ticks in tests: a whole sweep of a small fleet takes less. */
export const ticking = { sweepEveryMs: 100, feedEveryMs: 3_600_000 } as const;

/** Rows as a deploy leaves them, of instances that `populate` has made, without deploying: by id of the provider. */
export async function knownInstances(world: World, ids: readonly number[], name = "fleet"): Promise<string[]> {
  const long = 500;
  const made: string[] = [];
  for (let from = 0; from < ids.length; from += long) {
    const values = ids.slice(from, from + long).map((id) => {
      const ours = `in_${name}${String(id).padStart(12, "0")}`;
      made.push(ours);
      return `('${ours}', '${name}-${id}', 'sandbox', '${name}-${id}', 'us-east', 'g6-nanode-1', 'linode/debian12', 5, '[]', '',
        'provisioned', 'running', '${id}', 1, 0, 1, 1, '[]', '[]', 3, 'x', 'none', 1, 1)`;
    });
    await world.sql(`insert into control_instance (id, name, provider, provider_name, region, type, image, monthly_usd, ssh_keys,
      callback_url, status, desired, provider_id, create_attempt, create_open, accepted_at, active_at, ipv4, ipv6, stage,
      token_nonce, root_password_state, created_at, provisioned_at) values ${values.join(", ")}`);
  }
  return made;
}

/** Ids of a range as `populate` answers it. */
export function idsOf({ first_id: first, last_id: last }: { first_id: number; last_id: number }): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

interface SweepFigures {
  number: number;
  state: string;
  complete: number;
  errors: number;
  pages: number;
}

export async function sweepOf(world: World): Promise<SweepFigures | undefined> {
  const [row] = await world.sql(
    "select number, state, complete, errors, pages from control_sweep where account = 'sandbox'",
  );
  if (row === undefined) return undefined;
  const { number, state, complete, errors, pages } = row;
  return {
    number: Number(number),
    state: String(state),
    complete: Number(complete),
    errors: Number(errors),
    pages: Number(pages),
  };
}

/** Until a sweep that began from now on is complete, without an error, and what it did not show was looked for. */
export async function swept(world: World, timeoutMs = 15_000): Promise<void> {
  const before = (await sweepOf(world))?.number ?? 0;
  await vi.waitFor(
    async () => {
      const now = await sweepOf(world);
      const over = now !== undefined && now.complete > before && (now.state === "idle" || now.number > now.complete);
      if (!over) throw new Error(`no sweep after ${before} is complete: ${JSON.stringify(now)}`);
    },
    { timeout: timeoutMs, interval: 20 },
  );
}

/** How many instances have which status. */
export async function statuses(world: World): Promise<Record<string, number>> {
  const rows = await world.sql("select status, count(*) as n from control_instance group by status");
  return Object.fromEntries(rows.map((row) => [String(row["status"]), Number(row["n"])]));
}
