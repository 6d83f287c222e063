import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  callbackSchema,
  ProvostError,
  type BakeRequest,
  type Callback,
  type DeployRequest,
  type ImageStatus,
  type ImageView,
  type Instance,
  type InstanceEvent,
  type InstanceStatus,
} from "@provost/contract";
import type { Transporter } from "@provost/jobs";
import { startSandbox, type Sandbox, type SandboxOptions } from "@provost/sandbox";
import { vi } from "vitest";
import { Control, type Log, type Timings } from "../src/index.ts";
import { Seal } from "../src/seal.ts";
import { quick } from "./world-timings.ts";

export const sandboxToken = "sandbox-token";

/** A store that the worlds of one test file use one after the other: opening one takes longer than most tests. */
export interface TestStore {
  name: string;
  /** Tables of the job manager, to lose its jobs with. */
  jobTables: readonly string[];
  /** The started one of the file. */
  shared(): Promise<Transporter>;
  /** Another one on the same store, not started. */
  another(): Promise<Transporter>;
  /** Path or URL, for another process. */
  location(): Promise<string>;
  /** After the file's last test. */
  close(): Promise<void>;
}

const controlTables = [
  "image",
  "instance",
  "instance_event",
  "provider",
  "access_token",
  "audit",
  "webhook",
  "webhook_delivery",
  "idempotency_key",
  "deployment",
  "task",
  "fleet",
  "fleet_member",
  "session",
  "server",
  "budget",
  "budget_line",
  "circuit",
  "outage",
  "unwell",
  "brake",
  "sweep",
  "sweep_line",
  "sweep_page",
  "feed",
  "look",
  "orphan",
];

export interface WorldOptions {
  store: TestStore;
  timings?: Partial<Timings>;
  sandbox?: Partial<SandboxOptions>;
  /** Networks that webhooks may reach. */
  webhooksTo?: string[];
  /** Seen by the log, for what must be told. */
  log?: Log;
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A real store, the real sandbox in fast mode, a real listener for callbacks, and a Control between them. */
export class World {
  readonly sandbox: Sandbox;
  readonly secretKey = randomBytes(32);
  readonly events: InstanceEvent[] = [];
  /** Address that instances call. */
  readonly callbackUrl: string;
  control: Control;
  transporter: Transporter;
  #restarted: Transporter | undefined;
  readonly #beside: Transporter[] = [];
  readonly #http: Server;
  readonly #options: WorldOptions;

  private constructor(parts: { sandbox: Sandbox; transporter: Transporter; http: Server; options: WorldOptions }) {
    this.sandbox = parts.sandbox;
    this.#http = parts.http;
    this.#options = parts.options;
    const address = parts.http.address();
    this.callbackUrl = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    this.transporter = parts.transporter;
    this.control = this.#control();
    parts.http.on("request", (request, response) => {
      void this.#receive(request, response);
    });
  }

  static async start(options: WorldOptions): Promise<World> {
    const transporter = await options.store.shared();
    const sandbox = await startSandbox({ tokens: [sandboxToken], fast: true, rateLimits: false, ...options.sandbox });
    const http = createServer();
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const world = new World({ sandbox, transporter, http, options });
    await world.control.start();
    await world.control.providers.add({
      name: "sandbox",
      driver: "linode",
      endpoint: sandbox.url,
      token: sandboxToken,
      defaults: { region: "us-east", type: "g6-nanode-1" },
    });
    return world;
  }

  /** Leaves the store without instances; what jobs it leaves find no row and end. */
  async stop(): Promise<void> {
    await this.control.stop();
    for (const table of controlTables) await this.sql(`delete from control_${table}`);
    this.transporter.setClockOffset(0);
    await this.#restarted?.stop();
    for (const transporter of this.#beside) await transporter.stop();
    await this.sandbox.close();
    this.#http.closeAllConnections();
    this.#http.close();
  }

  /** Another Control on another Transporter of the same store, as after a restart of the server. */
  async restart(): Promise<void> {
    await this.control.stop();
    await this.#restarted?.stop();
    this.#restarted = await this.#options.store.another();
    await this.#restarted.start();
    this.transporter = this.#restarted;
    this.control = this.#control();
    await this.control.start();
  }

  /** A second server's Control on the same store; it is only asked, never started. */
  async beside(): Promise<Control> {
    const transporter = await this.#options.store.another();
    await transporter.start();
    this.#beside.push(transporter);
    return this.#control(transporter);
  }

  deploy(name: string, more: Partial<DeployRequest> = {}, options?: { idempotencyKey?: string }): Promise<Instance> {
    return this.control.instances.deploy({ name, provider: "sandbox", ...more }, options);
  }

  bake(name: string, more: Partial<BakeRequest> = {}): Promise<ImageView> {
    return this.control.images.bake({ name, provider: "sandbox", ...more });
  }

  /** Polls until the image has this status and its builder is gone. */
  async baked(ref: string, status: ImageStatus, timeoutMs = 60_000): Promise<ImageView> {
    return vi.waitFor(
      async () => {
        const image = await this.control.images.get(ref);
        const builder = await this.control.instances.get(image.builderId);
        if (image.status === status && builder.status === "destroyed") return image;
        throw new Error(`${ref} is ${image.status}, its builder ${builder.status}: ${JSON.stringify(image.failure)}`);
      },
      { timeout: timeoutMs, interval: 10 },
    );
  }

  /** Polls until the instance has this status; fails with what it has instead. */
  async until(ref: string, status: InstanceStatus, timeoutMs = 60_000): Promise<Instance> {
    return vi.waitFor(
      async () => {
        const instance = await this.control.instances.get(ref);
        if (instance.status === status) return instance;
        throw new Error(`${ref} is ${instance.status}, not ${status}: ${JSON.stringify(instance.failure)}`);
      },
      { timeout: timeoutMs, interval: 10 },
    );
  }

  /** The next event that fits, also one that has come already. */
  async event(kind: InstanceEvent["kind"], instanceId?: string, timeoutMs = 60_000): Promise<InstanceEvent> {
    return vi.waitFor(
      () => {
        const found = this.events.find(
          (event) => event.kind === kind && event.instanceId === (instanceId ?? event.instanceId),
        );
        if (found !== undefined) return found;
        throw new Error(`no event ${kind} in: ${this.events.map((event) => event.kind).join(" ")}`);
      },
      { timeout: timeoutMs, interval: 5 },
    );
  }

  /** Kinds of the instance's events, in order. */
  async story(ref: string): Promise<string[]> {
    const events = await this.control.instances.events(ref, { limit: 500 });
    return events.map(({ kind, stage }) => (stage === undefined ? kind : `${kind} ${stage}`));
  }

  /** Without the words of the provider, which the first boot's reports may overtake. */
  async ownStory(ref: string): Promise<string[]> {
    const story = await this.story(ref);
    return story.filter((kind) => kind !== "accepted" && kind !== "active");
  }

  /** As if the instance itself reported. */
  async report(id: string, callback: Callback): Promise<void> {
    const [row] = await this.sql(`select token_nonce from control_instance where id = '${id}'`);
    const token = new Seal(this.secretKey).callbackToken(id, String(row?.["token_nonce"]));
    await this.control.callbacks.receive(id, token, callback);
  }

  sql(statement: string): Promise<Record<string, unknown>[]> {
    const { sql } = this.transporter;
    if (sql === undefined) throw new Error("the store has no SQL");
    return sql.query(statement).then(({ rows }) => rows);
  }

  /**
   * As if the jobs had been lost: only the rows know what is under way. In one act that shuts others out: what the watchdog begins
   * anew must stay, its unique key with it.
   */
  async loseJobs(): Promise<void> {
    const { jobTables, name } = this.#options.store;
    const lose = () =>
      this.transporter.sql?.transaction(async (tx) => {
        if (name === "PostgreSQL") await tx.query(`lock table ${jobTables.join(", ")} in access exclusive mode`);
        for (const table of jobTables) await tx.query(`delete from ${table}`);
      });
    // Whoever holds one of these locks and wants another is met by a deadlock, which takes one of the two back.
    await vi.waitFor(lose, { timeout: 30_000 });
  }

  #control(transporter = this.transporter): Control {
    const control = new Control({
      transporter,
      secretKey: this.secretKey,
      callback: { defaultUrl: this.callbackUrl, allowHttp: true, check: async () => {} },
      webhooksTo: this.#options.webhooksTo ?? [],
      timings: { ...quick, ...this.#options.timings },
      log: this.#options.log ?? silent,
    });
    control.subscribe((event) => this.events.push(event));
    return control;
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const id = request.url?.split("/").at(-1) ?? "";
    const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    try {
      const answer = await this.control.callbacks.receive(id, token, callbackSchema.parse(JSON.parse(body)));
      response.end(JSON.stringify(answer));
    } catch (error) {
      response.statusCode = error instanceof ProvostError && error.code === "callback_token_rejected" ? 401 : 503;
      response.end();
    }
  }
}
