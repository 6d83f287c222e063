import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CreatedToken, Instance } from "@provost/contract";
import type { Transporter } from "@provost/jobs";
import { Receiver } from "../../harness/receiver.ts";
import { SandboxCloud } from "../../harness/sandbox.ts";
import { waitFor } from "../../harness/wait.ts";
import { storeAt } from "../../jobs/store-at.ts";
import { House } from "../house.ts";
import { age, pastHour } from "./ages.ts";
import { fill, type Filled } from "./servers.ts";
import { Office } from "./office.ts";

const boots = ["--boot-ms", "700-1600", "--create-ms", "60-240", "--no-rate-limits"];

/** A deployment that has been in use for a while, with something of everything: what the screens are shown and checked with. */
export class World {
  readonly house: House;
  readonly filled: Filled;
  readonly office: Office;
  readonly #staging: SandboxCloud;
  readonly #receiver: Receiver;
  readonly #store: Transporter;
  readonly #folder: string;

  private constructor(parts: {
    house: House;
    filled: Filled;
    office: Office;
    staging: SandboxCloud;
    receiver: Receiver;
    store: Transporter;
    folder: string;
  }) {
    this.house = parts.house;
    this.filled = parts.filled;
    this.office = parts.office;
    this.#staging = parts.staging;
    this.#receiver = parts.receiver;
    this.#store = parts.store;
    this.#folder = parts.folder;
  }

  static async make(): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), "provost-world-"));
    const staging = new SandboxCloud(folder, boots);
    const receiver = new Receiver();
    const [house, , url] = await Promise.all([
      House.open(boots, { PROVOST_WEBHOOK_ALLOW: "127.0.0.1", PROVOST_LOOK_EVERY: "30s" }),
      staging.start(),
      receiver.start(),
    ]);
    const { provost, cloud } = house;
    const store = storeAt(join(provost.data, "provost.db"));
    await store.start();
    const office = new Office(store);
    await office.open();
    await house.account();
    const { token } = staging;
    const defaults = { region: "eu-central", type: "g6-nanode-1" };
    await provost.post("/v1/providers", { name: "staging", driver: "linode", endpoint: staging.url, token, defaults });
    await provost.post("/v1/webhooks", { name: "ops-chat", url });
    // Nobody answers there.
    await provost.post("/v1/webhooks", { name: "old-pager", url: "http://127.0.0.1:9/", events: ["instance.failed"] });
    for (const [name, role] of people) await provost.post<CreatedToken>("/v1/tokens", { name, role });
    const filled = await fill(provost, cloud);
    await office.work();
    await age(store.sql!);
    await pastHour(store.sql!);
    return new World({ house, filled, office, staging, receiver, store, folder });
  }

  async close(): Promise<void> {
    await this.office.close();
    await this.#store.stop();
    await this.house.close();
    await this.#staging.stop();
    await this.#receiver.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const people = [
  ["alice", "admin"],
  ["bob", "operator"],
  ["ci-deploys", "operator"],
  ["grafana", "viewer"],
] as const;

export async function untilStatus(
  provost: House["provost"],
  name: string,
  ...statuses: Instance["status"][]
): Promise<Instance> {
  let instance: Instance | undefined;
  await waitFor(`${name} to be ${statuses.join(" or ")}`, async () => {
    instance = await provost.instance(name);
    return statuses.includes(instance.status);
  });
  return instance!;
}
