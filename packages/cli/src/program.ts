import { Command } from "commander";
import manifest from "../package.json" with { type: "json" };
import { argument, collect, type Act } from "./action.ts";
import { addAuditCommand } from "./commands/audit.ts";
import { deploy, type DeployOptions } from "./commands/deploy.ts";
import { addFleetCommands } from "./commands/fleet.ts";
import { destroyInstance, type DestroyOptions } from "./commands/destroy.ts";
import { addImageCommands } from "./commands/image.ts";
import { addJobCommands } from "./commands/job.ts";
import { addQueueCommands } from "./commands/queue.ts";
import {
  followInstance,
  listInstances,
  revealPassword,
  showInstance,
  showLogs,
  type ListOptions,
} from "./commands/instance.ts";
import {
  addProvider,
  listProviders,
  resumeProvider,
  showCatalog,
  showProvider,
  type AddOptions,
} from "./commands/provider.ts";
import { addAdoptionCommands, addOrphanCommands, addSweepCommand } from "./commands/orphan.ts";
import { runServer } from "./commands/server.ts";
import { start, type StartOptions } from "./commands/start/start.ts";
import { addTagCommands } from "./commands/tags.ts";
import { addTaskCommands } from "./commands/task.ts";
import { addTokenCommands } from "./commands/token.ts";
import { addWebhookCommands } from "./commands/webhook.ts";
import { Context, type GlobalOptions, type Surroundings } from "./context.ts";
import { examples, exitCodeHelp, serverVariables } from "./help.ts";

/** The command line. `ended` gets the exit code of the command that ran. */
export function buildProgram(surroundings: Surroundings, ended: (code: number) => void): Command {
  const { terminal, command: called } = surroundings;
  const program = new Command("provost");
  program
    .description("Provost deploys cloud servers and knows at every moment what state they are in.")
    .version(manifest.version, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .option("--url <url>", "address of the server (PROVOST_URL; else what the data folder says)")
    .option("--token-file <file>", "file with the token (PROVOST_TOKEN; else the data folder's admin-token)")
    .option("--data <folder>", "data folder (PROVOST_DATA; ./.provost)")
    .option("--json", "answer in JSON")
    .option("--no-color", "no colours (NO_COLOR)")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) =>
        write(
          `${text
            .trim()
            .replace(/\s*\n\s*/g, " ")
            .replace(/[.?]?$/, ".")} Add --help to see the usage. [usage]\n`,
        ),
    })
    .exitOverride()
    .addHelpText("after", exitCodeHelp);

  const act: Act =
    (action) =>
    async (...args) => {
      const command = args.at(-1);
      if (!(command instanceof Command)) return;
      ended(await action(new Context(surroundings, command.optsWithGlobals<GlobalOptions>()), command));
    };
  addServerCommands(program, act, called);
  addDeploy(program, act, called);
  addInstanceCommands(program, act, called);
  addFleetCommands(program, act, called);
  addImageCommands(program, act, called);
  addProviderCommands(program, act, called);
  addOrphanCommands(program, act, called);
  addJobCommands(program, act, called);
  addQueueCommands(program, act);
  addTokenCommands(program, act, called);
  addAuditCommand(program, act, called);
  addWebhookCommands(program, act, called);
  return program;
}

function addServerCommands(program: Command, act: Act, called: string): void {
  program
    .command("start")
    .description("start everything: server, sandbox (a pretend cloud) and a first instance; Ctrl-C stops it all")
    .option("--once", "end when the first instance is ready (exit 0) or has failed (exit 7)")
    .option("--port <port>", "port of the server (PROVOST_PORT; 4510, or a free one when that is taken)")
    .option("--no-sandbox", "start the server only")
    .option("--no-first-deploy", "deploy nothing")
    .addHelpText(
      "after",
      examples(called, ["start", "start --once", "start --data /var/lib/provost --port 8080"]) + serverVariables,
    )
    .action(act((context, command) => start(context, command.optsWithGlobals<StartOptions>())));
  program
    .command("server")
    .description("run the server in the foreground, its log on stderr")
    .option("--port <port>", "port to listen on (PROVOST_PORT; 4510, or a free one when that is taken)")
    .option("--host <address>", "address to listen on (PROVOST_HOST; 127.0.0.1)")
    .addHelpText("after", examples(called, ["server", "server --host 0.0.0.0 --port 8080"]) + serverVariables)
    .action(act((context, command) => runServer(context, command.optsWithGlobals())));
}

function addDeploy(program: Command, act: Act, called: string): void {
  program
    .command("deploy")
    .description("deploy an instance and show its stages until it is ready")
    .argument("<name>", "3–40 of a–z, 0–9 and -, starting with a letter")
    .requiredOption("--provider <name>", "which provider (provost provider list)")
    .option("--image <id>", "image (the provider's default)")
    .option("--type <id>", "type (the provider's default)")
    .option("--region <id>", "region (the provider's default)")
    .option("--ssh-key <file>", "public key file; can be repeated", collect, [])
    .option("--tag <tag>", "a word for it, like team:blue; can be repeated", collect, [])
    .option("--script <file>", "runs once at first boot, as root; begins with #!")
    .option("--detach", "do not wait")
    .option("--timeout <duration>", "wait no longer than this, like 20m; the deploy goes on")
    .addHelpText(
      "after",
      examples(called, [
        "deploy web-1 --provider sandbox",
        "deploy web-1 --provider sandbox --type g6-standard-1 --region eu-central --ssh-key ~/.ssh/id_ed25519.pub",
        "deploy web-1 --provider sandbox --script first-boot.sh --timeout 10m",
      ]),
    )
    .action(act((context, command) => deploy(context, argument(command), command.opts<DeployOptions>())));
}

function addInstanceCommands(program: Command, act: Act, called: string): void {
  const instance = program.command("instance").description("list, show, signal, resize, back up and destroy instances");
  instance
    .command("list")
    .description("instances, newest first")
    .option(
      "--failed",
      "those that failed and are still there to look at, with what they cost and the way to their logs",
    )
    .option("--all", "every record: destroyed ones and builders of images too")
    .option("--provider <name>", "on this provider; commas stand between alternatives, here and below")
    .option("--region <id>", "in this region")
    .option("--status <status>", "like running,provisioned")
    .option("--type <id>", "of this type")
    .option("--tag <tag>", "with this tag")
    .option("--name <start>", "whose name begins so")
    .option("--search <text>", "in its name, a tag, its id at the provider or an IPv4 address")
    .option("--limit <n>", "how many, up to 500", "100")
    .addHelpText(
      "after",
      examples(called, ["instance list", "instance list --failed", "instance list --tag team:blue --json"]),
    )
    .action(act((context, command) => listInstances(context, command.opts<ListOptions>())));
  instance
    .command("show")
    .description("all that is known of an instance")
    .argument("<instance>", "name, or id")
    .action(act((context, command) => showInstance(context, argument(command))));
  instance
    .command("logs")
    .description("log lines that the instance sent at its first boot")
    .argument("<instance>", "name, or id")
    .option("--follow", "show new lines as they come, until the deploy ends")
    .action(act((context, command) => showLogs(context, argument(command), command.opts())));
  instance
    .command("follow")
    .description("show an instance's stages until it is ready or has failed")
    .argument("<instance>", "name, or id")
    .option("--timeout <duration>", "wait no longer than this, like 20m")
    .action(act((context, command) => followInstance(context, argument(command), command.opts())));
  instance
    .command("password")
    .description("show the root password, once, where the provider demanded one")
    .argument("<instance>", "name, or id")
    .action(act((context, command) => revealPassword(context, argument(command))));
  instance
    .command("destroy")
    .description("destroy an instance and wait until it is gone")
    .argument("<instance>", "name, or id")
    .option("--yes", "do not ask")
    .option("--detach", "do not wait")
    .option("--wait-for-task", "when another task is under way, wait for its end")
    .option("--timeout <duration>", "wait no longer than this, like 5m; the destroy goes on")
    .addHelpText("after", examples(called, ["instance destroy web-1", "instance destroy web-1 --yes --detach"]))
    .action(act((context, command) => destroyInstance(context, argument(command), command.opts<DestroyOptions>())));
  addTaskCommands(instance, act, called);
  addTagCommands(instance, act, called);
  addAdoptionCommands(instance, act, called);
}

function addProviderCommands(program: Command, act: Act, called: string): void {
  const provider = program.command("provider").description("set up providers and see what they offer");
  provider
    .command("list")
    .description("providers that are set up")
    .action(act((context) => listProviders(context)));
  provider
    .command("show")
    .description("one provider: its rate budgets, whether it answers, and its brake")
    .argument("<name>", "which provider")
    .action(act((context, command) => showProvider(context, argument(command))));
  provider
    .command("resume")
    .description("release the brake: instances that look unwell are acted on again, though there are many")
    .argument("<name>", "which provider")
    .action(act((context, command) => resumeProvider(context, argument(command))));
  provider
    .command("add")
    .description("set up a provider; its credentials are tried once, then sealed")
    .argument("<name>", "what to call it")
    .requiredOption("--driver <name>", "linode, incus")
    .option("--endpoint <address>", "base URL or socket, where it is not the driver's usual one")
    .option("--credential-file <file>", "file with the provider's token, - for standard input (PROVOST_PROVIDER_TOKEN)")
    .option("--option <name=value>", "the driver's own; can be repeated", collect, [])
    .option("--region <id>", "default region")
    .option("--type <id>", "default type")
    .option("--image <id>", "default image")
    .option("--callback-url <url>", "address that its instances call (the server's own)")
    .addHelpText(
      "after",
      examples(called, [
        "provider add linode --driver linode --credential-file token.txt --region eu-central",
        "provider add lxd --driver incus --endpoint /var/lib/lxd/unix.socket",
      ]),
    )
    .action(act((context, command) => addProvider(context, argument(command), command.opts<AddOptions>())));
  provider
    .command("catalog")
    .description("types with prices, regions and images that a provider offers")
    .argument("<name>", "which provider")
    .argument("[part]", "types, regions or images")
    .option("--refresh", "ask the provider now, however fresh its last answer is")
    .addHelpText("after", examples(called, ["provider catalog sandbox", "provider catalog sandbox types"]))
    .action(act((context, command) => showCatalog(context, argument(command), command.args[1], command.opts())));
  addSweepCommand(provider, act);
}
