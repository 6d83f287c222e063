import { defineJob, JobManager, typed, type SqlAccess, type Transporter } from "@provost/jobs";
import { waitFor } from "../../harness/wait.ts";
import type { Ground, StoreKind } from "../../jobs/proof.ts";
import type { Setting } from "./scene.ts";

/** Ids of one of each, for the screens of single things. */
export interface Filled {
  instance: string;
  /** Its name. */
  name: string;
  job: string;
}

const rowsAtOnce = 500;
const jobsAtOnce = 10_000;
/** One in so many is run, so that there are ended ones too; the others are ready or delayed, in queues that nobody works off. */
const ranOneIn = 50;
const delayedOneIn = 20;
const fillMsMax = 60 * 60_000;

const ran = defineJob("mail.send", {
  queue: "mail",
  attempts: 1,
  input: typed<number>(),
  run: ({ input, fail }) => (input % 40 === 0 ? fail(new RangeError("550 mailbox unavailable")) : input),
});
const ready = Array.from({ length: 8 }, (_, n) =>
  defineJob(`batch.${"abcdefgh".at(n)}`, { queue: `batch-${n + 1}`, input: typed<number>(), run: () => undefined }),
);

const statuses = [...Array<string>(17).fill("provisioned"), "stopped", "stopped", "missing"];
const regions = ["us-east", "us-west", "eu-central", "ap-south", "br-gru"];
const types = ["g6-nanode-1", "g6-standard-1", "g6-standard-2", "g6-dedicated-4"];
/** As long as they are in use: how a store reads a row depends on its width. */
const sshKeys = JSON.stringify([`ssh-ed25519 ${"A".repeat(68)} deploy@example.com`]);
const script = `#!/bin/sh\nset -eu\n${"apt-get install -y nginx certbot unattended-upgrades\n".repeat(6)}`;
const nonce = "n".repeat(22);
const roles = ["web", "api", "db", "worker", "cache"];

/** A store as a large house has it: records written straight in, jobs enqueued as any user would. */
export async function fillStore({ numbers, say, kind }: Ground<Setting>, store: Transporter): Promise<Filled> {
  const since = performance.now();
  await writeInstances(store.sql!, 0, numbers.instances);
  const job = await enqueueJobs(store, numbers.jobs);
  await settled(store.sql!, kind);
  say(
    `${numbers.instances} instances and ${numbers.jobs} jobs written in ${Math.round((performance.now() - since) / 1_000)} s`,
  );
  const middle = Math.floor(numbers.instances / 2);
  return { instance: instanceId(middle), name: nameOf(middle), job };
}

function nameOf(n: number): string {
  return `${roles[n % roles.length]}-${n}`;
}

export function instanceId(n: number): string {
  return `in_0proof${String(n).padStart(14, "0")}`;
}

/** Straight into the store: at any provider's limit of creates the deploys would take a day. */
export async function writeInstances(sql: SqlAccess, first: number, count: number): Promise<void> {
  const now = Date.now();
  for (let from = first; from < first + count; from += rowsAtOnce) {
    const rows = Array.from({ length: Math.min(rowsAtOnce, first + count - from) }, (_, index) => from + index);
    const values = rows.map((n) => {
      const role = roles[n % roles.length];
      const status = statuses[n % statuses.length];
      const at = now - (n % 400) * 86_400_000 - n;
      const ip = `["10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}"]`;
      return `('${instanceId(n)}', '${nameOf(n)}', 'linode', '${nameOf(n)}', '${regions[n % regions.length]}', '${types[n % types.length]}', 'linode/debian12', 5, '${sshKeys}', '${script}', 'https://provost.example.com', '${status}', '${status === "stopped" ? "stopped" : "running"}', '${1_000_000 + n}', 1, 0, ${at}, ${at}, '${ip}', '["2001:db8::${(n >> 16).toString(16)}:${(n & 65_535).toString(16)}/128"]', 3, '${nonce}', 'none', ${at}, ${at}, '["${role}","batch-${n % 50}"]')`;
    });
    await sql.query(`insert into control_instance (id, name, provider, provider_name, region, type, image, monthly_usd, ssh_keys,
      script, callback_url, status, desired, provider_id, create_attempt, create_open, accepted_at, active_at, ipv4, ipv6, stage,
      token_nonce, root_password_state, created_at, provisioned_at, tags) values ${values.join(", ")}`);
  }
}

/** Answers the id of one that has failed. */
async function enqueueJobs(transporter: Transporter, count: number): Promise<string> {
  const manager = new JobManager({ transporter, jobs: [ran] });
  const toRun = Math.floor(count / ranOneIn);
  for (let from = 0; from < count; from += jobsAtOnce) {
    const size = Math.min(jobsAtOnce, count - from);
    await manager.enqueueMany(
      Array.from({ length: size }, (_, index) => {
        const n = from + index;
        if (n < toRun) return ran.with(n);
        const job = ready[n % ready.length]!;
        return job.with(n, n % delayedOneIn === 0 ? { after: "10d" } : { priority: 100 + (n % 4) });
      }),
    );
  }
  await manager.start();
  const ended = async (): Promise<boolean> => {
    const lines = await transporter.sight.counts();
    const mail = lines.filter(({ queue }) => queue === "mail");
    return mail.reduce((sum, { counts }) => sum + counts.processed + counts.failed, 0) >= toRun;
  };
  await waitFor(`${toRun} jobs to have run`, ended, fillMsMax, 500);
  const [failed] = await manager.list({ status: "failed", queue: "mail", limit: 1 });
  await manager.stop();
  return failed?.id ?? "1";
}

/** As a store that is in use: its statistics are those of what is in it; PostgreSQL has vacuumed what came in, as it does by itself within a minute. */
async function settled(sql: SqlAccess, kind: StoreKind): Promise<void> {
  await sql.query("analyze");
  if (kind === "PostgreSQL") await sql.query("vacuum control_instance");
}
