import type { Instance, Listed } from "@provost/contract";
import { Fleet } from "../harness/fleet.ts";
import { Receiver, type Told } from "../harness/receiver.ts";
import { waitFor } from "../harness/wait.ts";
import type { OutageGround } from "./prove.ts";

const logLine = "E: Unable to locate package incus";
/** In turn: never runs, runs and never reports, has a script that never ends, has a script that fails. */
const kinds = [
  { directive: "stuck", code: "boot_stuck", isOnTheClock: true, hasLog: false },
  { directive: "silent", code: "callback_missing", isOnTheClock: true, hasLog: false },
  { directive: `hang log=${logLine}`, code: "callback_missing", isOnTheClock: true, hasLog: true },
  { directive: `fail exit=100 log=${logLine}`, code: "script_failed", isOnTheClock: false, hasLog: true },
] as const;
/** Beyond the limit: a look's distance, and the machine's own slowness. */
const lateSecondsMax = 5;
const toldSecondsMax = 5;

export async function proveStuck(ground: OutageGround): Promise<void> {
  const { provost, cloud, provider, numbers, check } = ground;
  const receiver = new Receiver();
  try {
    const url = await receiver.start();
    await provost.post("/v1/webhooks", { name: `to-${provider}`, url });
    const fleet = await Fleet.on(provost, cloud, provider, numbers.stuck);
    await fleet.deploy((index) => `#!/bin/sh\n# sandbox: ${kindOf(index).directive}\n`);
    const instances = await ended(fleet, ground.stuckSeconds);
    const byName = new Map(instances.map((one) => [one.name, one]));
    const ordered = fleet.names.map((name) => byName.get(name)!);
    failedAsTheyShould(ordered, ground);
    await waitFor("every failure told", async () => toldOf(receiver, ordered).size === ordered.length, 30_000).catch(
      () => {},
    );
    told(toldOf(receiver, ordered), ordered, ground);
    const figures = await cloud.figures();
    check(figures.instances === numbers.stuck, `${figures.instances} of ${numbers.stuck} servers still stand`);
    await listed(ordered, ground);
  } finally {
    await receiver.stop();
  }
}

function kindOf(index: number): (typeof kinds)[number] {
  return kinds[index % kinds.length]!;
}

function isEnded({ status }: Instance): boolean {
  return status === "failed" || status === "provisioned";
}

async function ended(fleet: Fleet, stuckSeconds: number): Promise<Instance[]> {
  let instances: Instance[] = [];
  await waitFor(
    "every deploy to end",
    async () => {
      instances = await fleet.instances();
      return instances.length === fleet.names.length && instances.every(isEnded);
    },
    (4 * stuckSeconds + 60) * 1_000,
    500,
  ).catch(() => {});
  return instances;
}

function failedAsTheyShould(ordered: Instance[], { check, stuckSeconds }: OutageGround): void {
  const wrong = ordered.filter(({ failure }, index) => failure?.code !== kindOf(index).code);
  const codes = [...new Set(kinds.map(({ code }) => code))];
  const causes = codes.map((code) => `${ordered.filter(({ failure }) => failure?.code === code).length} ${code}`);
  check(wrong.length === 0, `each failed with its cause: ${causes.join(", ")}; ${wrong.length} otherwise`);
  const speechless = ordered.filter(
    ({ failure, archivedAt }) => !failure?.step || !failure.message || !failure.whatToDo || archivedAt === undefined,
  );
  check(speechless.length === 0, `each is archived and says step, reason and what to do; ${speechless.length} do not`);
  const took = ordered
    .filter((_, index) => kindOf(index).isOnTheClock)
    .map(({ createdAt, archivedAt }) => (Date.parse(archivedAt ?? "") - Date.parse(createdAt)) / 1_000);
  const [first, last] = [Math.min(...took), Math.max(...took)];
  check(
    first >= stuckSeconds && last <= stuckSeconds + lateSecondsMax,
    `those on the clock (limit ${stuckSeconds} s) failed between ${first.toFixed(1)} and ${last.toFixed(1)} s after they were asked for`,
  );
  const withLog = ordered.filter(({ failure }) => failure?.log?.includes(logLine) === true);
  const spoke = ordered.filter((_, index) => kindOf(index).hasLog).length;
  check(withLog.length === spoke, `${withLog.length} of ${spoke} that sent log lines are shown with the last of them`);
}

function toldOf({ told: all }: Receiver, ordered: Instance[]): Map<string, Told> {
  const ids = new Set(ordered.map(({ id }) => id));
  const failures = all.filter(({ type, data }) => type === "instance.failed" && ids.has(data.instance.id));
  return new Map(failures.map((one) => [one.data.instance.id, one]));
}

function told(by: Map<string, Told>, ordered: Instance[], { check }: OutageGround): void {
  const after = ordered.map(
    ({ id, archivedAt }) => ((by.get(id)?.at ?? Infinity) - Date.parse(archivedAt ?? "")) / 1_000,
  );
  const wordless = ordered.filter(({ id, failure }) => {
    const said = by.get(id)?.data.failure;
    return said?.code !== failure?.code || said?.whatToDo === undefined || said.log !== failure?.log;
  });
  check(
    after.every((seconds) => seconds <= toldSecondsMax) && wordless.length === 0,
    `the webhook was told of ${by.size}, the last ${Math.max(...after).toFixed(2)} s after its failure (limit ${toldSecondsMax} s), each with the cause and the log`,
  );
}

/** C8: out of the list of the living, in the list of the failed, with what each costs and until when. */
async function listed(ordered: Instance[], { provost, check }: OutageGround): Promise<void> {
  const ids = new Set(ordered.map(({ id }) => id));
  const living: Listed<Instance> = await provost.get("/v1/instances?limit=500");
  const dead: Listed<Instance> = await provost.get("/v1/instances?failed=true&limit=500");
  const shown = dead.items.filter(({ id }) => ids.has(id));
  const good = shown.filter(
    ({ tombstone, providerId }) =>
      providerId !== undefined &&
      tombstone !== undefined &&
      (tombstone.costUsd ?? 0) > 0 &&
      Date.parse(tombstone.expiresAt) > Date.now(),
  );
  check(
    !living.items.some(({ id }) => ids.has(id)) && good.length === ids.size,
    `none is in the list, ${good.length} of ${ids.size} are in that of the failed, with server, cost and expiry`,
  );
  const { stdout } = await provost.run("instance", "list", "--failed", "--limit", "500");
  const lines = stdout.split("\n").filter((line) => ordered.some(({ id }) => line.includes(id)));
  check(
    lines.length === ids.size && lines.every((line) => /\$0\.\d\d {2}in \d d/.test(line)),
    `\`provost instance list --failed\` shows ${lines.length}, each with cost and expiry`,
  );
}
