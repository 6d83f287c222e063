/**
 * `npm run prove:deploys [-- N]`: N deploys at once (1,000 by default) on the sandbox with its rate limits off, the
 * server and the sandbox each a process of its own. Exits non-zero unless every instance was provisioned, each exactly
 * once at the sandbox. PROVOST_DATABASE chooses the store.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Instance, Listed } from "@provost/contract";
import { Provost } from "../harness/provost.ts";
import { waitFor } from "../harness/wait.ts";

const count = Number(process.argv[2] ?? 1_000);
const token = randomBytes(16).toString("hex");
const boundMs = 10 * 60_000;
/** A store may hold what earlier runs made. */
const provider = `load-${randomBytes(3).toString("hex")}`;

// Ends by the exit, which takes the server along.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const sandbox = await startSandbox();
const provost = new Provost();
let failed = true;
try {
  await provost.serve();
  await provost.post("/v1/providers", { name: provider, driver: "linode", endpoint: sandbox.url, token });
  failed = !(await prove());
} finally {
  await provost.stop();
  sandbox.stop();
}
process.exit(failed ? 1 : 0);

async function prove(): Promise<boolean> {
  const catalog = await provost.get<{
    regions: { id: string }[];
    types: { id: string }[];
    images: { id: string; kind: string }[];
  }>(`/v1/providers/${provider}/catalog`);
  const image = catalog.images.find(({ kind }) => kind === "golden")?.id;
  const started = performance.now();
  const names = Array.from({ length: count }, (_, index) => `${provider}-${index}`);
  const answers = await Promise.all(
    names.map((name) =>
      provost.post("/v1/instances", {
        name,
        provider,
        region: catalog.regions[0]?.id,
        type: catalog.types[0]?.id,
        image,
      }),
    ),
  );
  const accepted = answers.length;
  const acceptedSeconds = (performance.now() - started) / 1000;

  let rssPeakMb = 0;
  let provisioned = 0;
  await waitFor(
    `${count} instances provisioned`,
    async () => {
      rssPeakMb = Math.max(rssPeakMb, provost.peakRssMb());
      const instances = await everyInstance();
      provisioned = instances.filter(({ status }) => status === "provisioned").length;
      const over = instances.filter(({ status }) => status === "provisioned" || status === "failed").length;
      return over === count;
    },
    boundMs,
    1_000,
  );
  const seconds = (performance.now() - started) / 1000;
  const stats = (await (
    await fetch(`${sandbox.url}/sandbox/stats`, { headers: { authorization: `Bearer ${token}` } })
  ).json()) as { creates_accepted: number; instances: number };

  console.log(
    JSON.stringify({
      store: process.env["PROVOST_DATABASE"] ? "postgres" : "sqlite",
      deploys: count,
      accepted,
      acceptedSeconds: round(acceptedSeconds),
      provisioned,
      seconds: round(seconds),
      createsAccepted: stats.creates_accepted,
      instancesAtSandbox: stats.instances,
      serverPeakRssMb: round(rssPeakMb),
    }),
  );
  return provisioned === count && stats.creates_accepted === count && stats.instances === count;
}

async function everyInstance(): Promise<Instance[]> {
  const all: Instance[] = [];
  let after: string | undefined;
  do {
    const page: Listed<Instance> = await provost.get(
      `/v1/instances?all=true&limit=500${after ? `&after=${encodeURIComponent(after)}` : ""}`,
    );
    all.push(...page.items);
    after = page.next;
  } while (after);
  return all.filter((instance) => instance.provider === provider);
}

async function startSandbox(): Promise<{ url: string; stop(): void }> {
  const main = join(import.meta.dirname, "../../packages/sandbox/src/main.ts");
  const child = spawn(process.execPath, ["--conditions=source", main, "--port", "0", "--no-rate-limits"], {
    env: { ...process.env, PROVOST_SANDBOX_TOKEN: token },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const line = await new Promise<string>((resolve) => createInterface(child.stdout!).once("line", resolve));
  const { url } = JSON.parse(line) as { url: string };
  return { url, stop: () => child.kill("SIGTERM") };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
