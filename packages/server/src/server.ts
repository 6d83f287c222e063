import { ProvostError } from "@provost/contract";
import { Control } from "@provost/control";
import type { Transporter } from "@provost/jobs";
import { CallbackCheck } from "./callback-check.ts";
import type { ServerConfig } from "./config/config.ts";
import { DataFolder } from "./data-folder/data-folder.ts";
import { serveApi, serveCallbacks } from "./http/app.ts";
import type { App } from "./http/zod-routes.ts";
import { Listener } from "./listener.ts";
import { createLog, type Logger } from "./log.ts";
import { openStore } from "./store.ts";
import { version } from "./version.ts";

const preferredPort = 4510;
const closeGraceMs = 3_000;

interface Parts {
  url: string;
  control: Control;
  log: Logger;
}

/**
 * Provost's server, put together: data folder, listeners, store, control plane, HTTP. Each part that is opened is
 * remembered with the way to close it, so that a start that fails leaves nothing behind and `stop` goes backwards.
 *
 * stopped --start--> starting --> running --stop--> stopping --> stopped; a failed start ends in stopped.
 */
export class Server {
  readonly config: ServerConfig;
  readonly #logTo: "stderr" | "file";
  readonly #closers: (() => void | Promise<void>)[] = [];
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #parts: Parts | undefined;

  /** @param options.logTo `file`: `server.log` in the data folder, where the terminal is for people. */
  constructor(config: ServerConfig, options: { logTo: "stderr" | "file" }) {
    this.config = config;
    this.#logTo = options.logTo;
  }

  /** Address of the API. */
  get url(): string {
    return this.#running.url;
  }

  get control(): Control {
    return this.#running.control;
  }

  get log(): Logger {
    return this.#running.log;
  }

  /**
   * Safe to call twice. Rejects with nothing left open.
   *
   * @throws ProvostError `data_folder_unusable`, `data_folder_in_use`, `port_in_use`, `config_invalid`,
   *   `database_unusable`, `secret_unreadable`.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch(async (error: unknown) => {
      await this.stop();
      throw error;
    });
    return this.#starting;
  }

  /** Awaited and safe to call twice: streams end, what is being answered is answered, jobs are handed back. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  get #running(): Parts {
    if (this.#parts === undefined)
      throw new ProvostError("internal", "The server has not started: await start() first.");
    return this.#parts;
  }

  async #start(): Promise<void> {
    const { config } = this;
    const folder = DataFolder.open(config.dataFolder);
    this.#closers.push(() => folder.close());
    const log = createLog(config.logLevel, this.#logTo === "file" ? folder.logFile() : 2);
    const adminToken = folder.adminToken();
    const secretKey = config.secretKey ?? folder.secretKey();
    const { api, callbacks } = await this.#openListeners(folder);

    const transporter = await openStore(config.database);
    this.#closers.push(() => transporter.stop());
    const control = this.#control(transporter, secretKey, callbacks ?? api, log);
    this.#closers.push(() => control.stop());
    await control.start();
    await control.tokens.ensureAdmin(adminToken);

    const { basePath, trustedProxies, dashboard } = config;
    const parts = { control, version, log, basePath, trustedProxies, dashboard };
    this.#closes(await serveApi({ ...parts, listener: api }));
    if (callbacks !== undefined) this.#closes(await serveCallbacks({ ...parts, listener: callbacks }));
    folder.announce({ url: api.url, pid: process.pid });
    this.#parts = { url: api.url, control, log };
    log.info(
      {
        url: api.url,
        callbacks: callbacks?.url,
        deployment: control.deploymentId,
        database: config.database.shown,
        version,
      },
      "the server is ready",
    );
  }

  async #openListeners(folder: DataFolder): Promise<{ api: Listener; callbacks: Listener | undefined }> {
    const { host, port, callback } = this.config;
    const last = folder.lastPort();
    const ports = port === undefined ? [...(last === undefined ? [] : [last]), preferredPort, 0] : [port];
    const api = await Listener.open(host, ports, { port: "--port or PROVOST_PORT", host: "PROVOST_HOST" });
    this.#closers.push(() => api.close(closeGraceMs));
    if (callback.listen === undefined) return { api, callbacks: undefined };
    const names = { port: "PROVOST_CALLBACK_LISTEN", host: "PROVOST_CALLBACK_LISTEN" };
    const callbacks = await Listener.open(callback.listen.host, [callback.listen.port], names);
    this.#closers.push(() => callbacks.close(closeGraceMs));
    return { api, callbacks };
  }

  /** Without a configured address instances call where this server listens; plain HTTP is then taken to loopback only. */
  #control(transporter: Transporter, secretKey: Uint8Array, callbacks: Listener, log: Logger): Control {
    const { callback, timings } = this.config;
    const check = new CallbackCheck(() => control.deploymentId);
    const defaultUrl = callback.url ?? (callback.allowHttp || isLoopback(callbacks.url) ? callbacks.url : undefined);
    const control: Control = new Control({
      transporter,
      secretKey,
      callback: {
        ...(defaultUrl === undefined ? {} : { defaultUrl }),
        allowHttp: callback.allowHttp || (callback.url === undefined && isLoopback(callbacks.url)),
        check: (url) => check.check(url),
      },
      webhooksTo: this.config.webhooksTo,
      timings,
      version,
      log,
    });
    return control;
  }

  #closes(app: App): void {
    this.#closers.push(() => app.close());
  }

  async #stop(): Promise<void> {
    const log = this.#parts?.log;
    log?.info({}, "the server stops");
    for (const close of this.#closers.splice(0).toReversed()) {
      try {
        await close();
      } catch (error) {
        log?.error({ err: error }, "a part of the server did not stop well");
      }
    }
    log?.info({}, "the server has stopped");
  }
}

function isLoopback(url: string): boolean {
  return /^http:\/\/(127\.|\[::1\]|localhost\b)/.test(url);
}
