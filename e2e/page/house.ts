import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CreatedToken, Role } from "@provost/contract";
import { Provost } from "../harness/provost.ts";
import { SandboxCloud } from "../harness/sandbox.ts";
import { Visitors, type Visitor } from "./visitor.ts";

/** The account that `house.account()` adds. */
export const account = "linode";

/** A real server on an empty folder, a pretend cloud, and a browser to look at them with. */
export class House {
  readonly provost: Provost;
  readonly cloud: SandboxCloud;
  readonly #folder: string;
  readonly #visitors: Visitors;
  readonly #visits: Visitor[] = [];

  private constructor(folder: string, provost: Provost, cloud: SandboxCloud, visitors: Visitors) {
    this.#folder = folder;
    this.provost = provost;
    this.cloud = cloud;
    this.#visitors = visitors;
  }

  /** `flags` are the sandbox's, `env` the server's. */
  static async open(
    flags: readonly string[] = ["--boot-ms", "400", "--create-ms", "50", "--no-rate-limits"],
    env: Record<string, string> = {},
  ): Promise<House> {
    const folder = mkdtempSync(join(tmpdir(), "provost-page-"));
    const provost = new Provost({
      PROVOST_LOG_LEVEL: "warn",
      PROVOST_LOOK_EVERY: "1s",
      PROVOST_SWEEP_EVERY: "1s",
      ...env,
    });
    const cloud = new SandboxCloud(folder, flags);
    const [visitors] = await Promise.all([Visitors.arrive(), cloud.start(), provost.serve()]);
    return new House(folder, provost, cloud, visitors);
  }

  async close(): Promise<void> {
    await this.#visitors.leave();
    await this.provost.stop();
    await this.cloud.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Adds the cloud's account, where the proof is not about that. */
  async account(name = account): Promise<void> {
    const { url: endpoint, token } = this.cloud;
    const defaults = { region: "us-east", type: "g6-nanode-1" };
    await this.provost.post("/v1/providers", { name, driver: "linode", endpoint, token, defaults });
  }

  async token(name: string, role: Role): Promise<string> {
    return (await this.provost.post<CreatedToken>("/v1/tokens", { name, role })).token;
  }

  async stranger(...rest: Rest): Promise<Visitor> {
    const visitor = await this.#visitors.visitor(this.provost.url(), ...rest);
    this.#visits.push(visitor);
    return visitor;
  }

  /** All visits until now: their pages are closed. */
  async endVisits(): Promise<Visitor[]> {
    const ended = this.#visits.splice(0);
    await Promise.all(ended.map(({ page }) => page.context().close()));
    return ended;
  }

  /** Somebody with the first token, signed in. */
  async admin(...rest: Rest): Promise<Visitor> {
    const visitor = await this.stranger(...rest);
    await visitor.signIn(this.provost.adminToken());
    return visitor;
  }
}

type Rest = [options?: Parameters<Visitors["visitor"]>[1]];
