import { exitCodes } from "@provost/contract";
import type { Server, ServerConfig, ServerFlags } from "@provost/server";
import type { Context } from "../../context.ts";
import { facts } from "../../output/table.ts";
import { address, shellWord } from "../../output/words.ts";
import { failureReport } from "../../output/failure-report.ts";
import { awaitDeploy } from "../deploy.ts";
import { interruption } from "../server.ts";
import { firstInstance, firstName } from "./first-instance.ts";
import { SandboxProcess } from "./sandbox-process.ts";

export interface StartOptions extends ServerFlags {
  once?: boolean;
  /** False with `--no-sandbox`. */
  sandbox: boolean;
  /** False with `--no-first-deploy`. */
  firstDeploy: boolean;
}

const provider = "sandbox";
const defaults = { region: "us-east", type: "g6-nanode-1", image: "private/1" };

/**
 * `provost start`: server, sandbox and a first instance, from nothing to a server that called home. What it starts it
 * stops, in whatever way it ends.
 */
export async function start(context: Context, options: StartOptions): Promise<number> {
  const { readConfig, Server } = await import("@provost/server");
  const config = readConfig(context.env, options);
  // The database holds hashes and sealed secrets: whatever is written from here on is its owner's alone (C15).
  process.umask(0o077);
  const server = new Server(config, { logTo: "file" });
  let sandbox: SandboxProcess | undefined;
  try {
    context.out(`${context.paint.bold("Provost")} starts; its data is in ${config.dataFolder}\n`);
    await server.start();
    if (options.sandbox) sandbox = await startSandbox(context, config, server);
    if (context.interrupted.aborted) return exitCodes.interrupted;
    const code = options.sandbox && options.firstDeploy ? await first(context) : exitCodes.done;
    if (context.interrupted.aborted) return exitCodes.interrupted;
    if (options.once === true) return code;
    context.out(nextSteps(context, config, server, sandbox));
    await interruption(context.interrupted);
    context.out("\nStopping …\n");
    return exitCodes.done;
  } finally {
    await server.stop();
    await sandbox?.stop();
  }
}

/** Its address is another one each time, so the account is brought up to date at every start. */
async function startSandbox(context: Context, config: ServerConfig, server: Server): Promise<SandboxProcess> {
  const sandbox = await SandboxProcess.start(config.dataFolder);
  sandbox.onDeath(() => {
    context.terminal.err(
      `${context.paint.yellow("!")} The sandbox has ended by itself (its log: ${config.dataFolder}/sandbox.log). Start again to bring it back.\n`,
    );
  });
  const before = (await server.control.providers.list()).find(({ name }) => name === provider);
  await server.control.providers.upsert({
    name: provider,
    driver: "linode",
    endpoint: sandbox.url,
    token: sandbox.token,
    // What was chosen since (`image default`) holds.
    defaults: before?.defaults ?? defaults,
  });
  return sandbox;
}

/** Deploys the first instance and shows it coming up, or says what became of it. The exit code says whether it is there. */
async function first(context: Context): Promise<number> {
  const api = context.api();
  const found = await firstInstance(api, provider);
  const { bold, dim, green } = context.paint;
  switch (found.state) {
    case "asked":
      context.out(
        `\nDeploying your first instance, ${bold(firstName)}, on the sandbox ${dim("(a pretend cloud on this machine)")}\n`,
      );
      return awaitDeploy(context, api, found.instance);
    case "under-way":
      context.out(`\nYour first instance, ${bold(firstName)}, is on its way since an earlier start\n`);
      return awaitDeploy(context, api, found.instance);
    case "there":
      context.out(
        `\n${green("✓")} ${bold(firstName)} is there since an earlier start, at ${bold(address(found.instance) ?? "no address")}. Nothing was deployed.\n`,
      );
      return exitCodes.done;
    case "failed":
      context.out(`\n${bold(firstName)} failed at an earlier start. Nothing was deployed.\n`);
      context.terminal.err(failureReport(context, found.instance));
      return exitCodes.operationFailed;
    case "destroyed":
      context.out(`\n${bold(firstName)} was destroyed. Nothing was deployed; the next one is yours to name.\n`);
      return exitCodes.operationFailed;
    case "other":
  }
  return exitCodes.done;
}

function nextSteps(
  context: Context,
  config: ServerConfig,
  server: Server,
  sandbox: SandboxProcess | undefined,
): string {
  const { paint, command } = context;
  const token = `${config.dataFolder}/admin-token`;
  const url = `${server.url}${config.basePath}`;
  const where = facts(
    [
      ["Page", `${paint.bold(url)}/`],
      ["API", `${paint.bold(url)}/v1`],
      ["Reference", `${paint.bold(url)}/reference`],
      ["Admin token", token],
      ["Log", `${config.dataFolder}/server.log`],
      ["Sandbox", sandbox?.url],
    ],
    paint,
    "  ",
  );
  const tries =
    sandbox === undefined
      ? [`${command} provider add --help`]
      : [
          `${command} instance list`,
          `${command} deploy web-1 --provider ${provider}`,
          `${command} provider catalog ${provider}`,
          `${command} instance destroy ${firstName}`,
          `curl -H "authorization: Bearer $(cat ${shellWord(token)})" ${url}/v1/instances`,
        ];
  return `\n${where}\nTry next, in another terminal:\n${tries.map((each) => `  ${paint.cyan(each)}\n`).join("")}\nCtrl-C stops everything that was started here.\n`;
}
