import { inject } from "vitest";
import { Provost, type Ran } from "../harness/provost.ts";
import { CallbackRelay } from "./callback-relay.ts";
import { DaemonRelay } from "./daemon-relay.ts";
import { daemonCall } from "./daemon-call.ts";

/** A deployment of Provost whose provider `lxd` is the real daemon, with a relay on either side of the server. */
export class Cloud {
  readonly provost: Provost;
  readonly callbacks = new CallbackRelay(inject("bridgeAddress"));
  readonly daemon = new DaemonRelay(inject("socket"));
  /** The owner key of everything that this deployment makes. */
  #deployment = "";

  constructor(env: Record<string, string> = {}) {
    this.provost = new Provost(env);
  }

  async start(): Promise<void> {
    await this.daemon.start();
    const callbackUrl = await this.callbacks.start();
    await this.serve();
    const provider = ["--driver", "incus", "--endpoint", this.daemon.socket, "--callback-url", callbackUrl];
    const added = await this.provost.run(
      "provider",
      "add",
      "lxd",
      ...provider,
      "--option",
      `profiles=${inject("profile")}`,
    );
    if (added.code !== 0) throw new CommandFailed(added);
    this.#deployment = (await this.provost.get<{ deployment: string }>("/v1/health")).deployment;
  }

  async serve(): Promise<void> {
    await this.provost.serve();
    this.callbacks.targetPort = this.provost.callbackPort;
  }

  /** `provost deploy`, from the golden image. */
  deploy(name: string, ...more: string[]): Promise<Ran> {
    const what = ["--provider", "lxd", "--image", inject("image"), "--type", "c1-512mb", "--region", "local"];
    return this.provost.run("deploy", name, ...what, ...more);
  }

  /** The daemon's containers that carry this instance's owner key. */
  async containersOf(instanceId: string): Promise<Container[]> {
    const all = await daemonCall<Container[]>("GET", "/1.0/instances?recursion=1");
    return all.filter(({ config }) => config["user.provost.instance"] === instanceId);
  }

  /** Ends everything, the containers of failed proofs too. */
  async stop(): Promise<void> {
    const all = await daemonCall<Container[]>("GET", "/1.0/instances?recursion=1");
    for (const { name } of all.filter(({ config }) => config["user.provost.deployment"] === this.#deployment)) {
      await daemonCall("PUT", `/1.0/instances/${name}/state`, { action: "stop", force: true, timeout: 10 }).catch(
        () => undefined,
      );
      await daemonCall("DELETE", `/1.0/instances/${name}`).catch(() => undefined);
    }
    await this.provost.stop();
    await this.callbacks.stop();
    await this.daemon.stop();
  }
}

export interface Container {
  name: string;
  status: string;
  config: Record<string, string>;
}

export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  constructor(ran: Ran) {
    super(`exit ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
  }
}

declare module "vitest" {
  interface ProvidedContext {
    /** The real daemon's unix socket. */
    socket: string;
    /** The host's address on the bridge, where instances can reach it. */
    bridgeAddress: string;
    profile: string;
    /** The golden image's alias. */
    image: string;
  }
}
