import type { InstanceEvent } from "@provost/contract";
import { JobManager, type ManagerEvent } from "@provost/jobs";
import { ProviderService } from "./accounts/provider-service.ts";
import { AuditLog } from "./access/audit-log.ts";
import { retentionSchedule } from "./access/retention.ts";
import { TokenService } from "./access/token-service.ts";
import { BakeFailed } from "./flows/bake-failed.ts";
import { BakeWatch } from "./flows/bake-watch.ts";
import { BuilderEnd } from "./flows/builder-end.ts";
import { controlJobs } from "./flows/jobs.ts";
import { Tasks } from "./flows/tasks.ts";
import { Watchdog } from "./flows/watchdog.ts";
import { deploymentId } from "./ids.ts";
import { ImageRecords } from "./images/records.ts";
import { ImageService } from "./images/image-service.ts";
import { CallbackService } from "./instances/callback-service.ts";
import { InstanceService } from "./instances/instance-service.ts";
import { InstanceViews } from "./instances/instance-views.ts";
import { InstanceRecords } from "./instances/records.ts";
import { Secrets } from "./instances/secrets.ts";
import { defaultTimings, type ControlOptions, type Log } from "./options.ts";
import { Seal } from "./seal.ts";
import { Store } from "./storage/store.ts";
import type { ControlSurface } from "./surface.ts";
import { AddressRule } from "./webhooks/address-rule.ts";
import { deliveryJob } from "./webhooks/delivery-job.ts";
import { Postman } from "./webhooks/postman.ts";
import { pruneDeliveries } from "./webhooks/prune.ts";
import { Telling } from "./webhooks/telling.ts";
import { WebhookService } from "./webhooks/webhook-service.ts";

/** Thrown when `deploymentId` is read before `start()` has found or made it. */
class NotStarted extends TypeError {
  readonly code = "control_not_started";
}

/**
 * The control plane: accounts, instances, the flows that provision them and the watchdog over both. Several, on several
 * servers, share one store.
 */
export class Control implements ControlSurface {
  readonly providers: ProviderService;
  readonly instances: InstanceService;
  readonly images: ImageService;
  readonly callbacks: CallbackService;
  readonly tokens: TokenService;
  readonly audit: AuditLog;
  readonly webhooks: WebhookService;
  readonly #store: Store;
  readonly #manager: JobManager;
  readonly #watchdog: Watchdog;
  readonly #telling: Telling;
  readonly #postman: Postman;
  #deploymentId: string | undefined;

  /** Throws `database_unusable` for a Transporter without SQL, `config_invalid` for a secret key of another length. */
  constructor(options: ControlOptions) {
    const { log } = options;
    const timings = { ...defaultTimings, ...options.timings };
    const store = new Store(options.transporter);
    const seal = new Seal(options.secretKey);
    const secrets = new Secrets(seal);
    const records = new InstanceRecords(store);
    const providers = new ProviderService({ store, seal, timings, log });
    const deployment = () => this.deploymentId;
    const images = new ImageRecords(store);
    const builderEnd = new BuilderEnd({ store, records, tasks: () => tasks });
    const steps = { store, records, images, providers, secrets, timings, log, deployment, builderEnd };
    const jobs = controlJobs(steps);
    const audit = new AuditLog(store, log);
    const retention = retentionSchedule(
      () => store.now(),
      [
        { keptMs: timings.auditKeptMs, prune: (olderThan, signal) => audit.prune(olderThan, signal) },
        { keptMs: timings.deliveriesKeptMs, prune: (olderThan, signal) => pruneDeliveries(store, olderThan, signal) },
      ],
    );
    const rule = new AddressRule(options.webhooksTo ?? []);
    const postman = new Postman({ rule, timeoutMs: timings.webhookTimeoutMs });
    const deliver = deliveryJob({ store, seal, postman, timings, log });
    const manager = new JobManager({
      transporter: options.transporter,
      jobs: [...jobs.all, retention, deliver],
      lease: timings.jobLeaseMs,
      log: managerLog(log),
    });
    const tasks: Tasks = new Tasks({ store, manager, jobs });
    const telling = new Telling({ manager, job: deliver, timings, deployment, log });
    store.onEvent((write, event) => telling.told(write, event));
    this.#store = store;
    this.#manager = manager;
    this.#telling = telling;
    this.#postman = postman;
    const failed = new BakeFailed(steps);
    const { circuits } = providers;
    const bakes = new BakeWatch({ store, records, images, manager, circuits, tasks, failed, builderEnd, timings, log });
    this.#watchdog = new Watchdog({ store, records, manager, tasks, bakes, timings, log });
    this.providers = providers;
    const { budgets } = providers;
    this.instances = new InstanceService({
      store,
      views: new InstanceViews({ store, budgets, circuits }),
      records,
      providers,
      secrets,
      tasks,
      callback: options.callback,
      log,
    });
    this.images = new ImageService({ store, images, providers, secrets, tasks, callback: options.callback, log });
    this.callbacks = new CallbackService({ store, records, secrets, manager, log });
    this.tokens = new TokenService(store);
    this.audit = audit;
    this.webhooks = new WebhookService({ store, seal, postman, telling });
  }

  /** This store's own id, made at the first start; written at providers as owner (C4, C13). */
  get deploymentId(): string {
    if (this.#deploymentId === undefined) throw new NotStarted("deploymentId was read before start(): await it first");
    return this.#deploymentId;
  }

  /** Brings the tables up to date, then begins to work. */
  async start(): Promise<void> {
    await this.#store.migrate();
    this.#deploymentId = await this.#deployment();
    await this.#telling.start();
    await this.#manager.start();
    this.#watchdog.start();
  }

  /** Lets running jobs end, or defers them (L4). Awaited, safe to call twice; the Transporter stays open. */
  async stop(): Promise<void> {
    await this.#watchdog.stop();
    await this.#manager.stop();
    await this.#postman.close();
    await this.providers.close();
  }

  subscribe(listener: (event: InstanceEvent) => void): () => void {
    return this.#store.subscribe(listener);
  }

  async #deployment(): Promise<string> {
    const { db } = this.#store;
    await db
      .insertInto("control_deployment")
      .values({ singleton: 1, id: deploymentId(), created_at: await this.#store.now() })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return (await db.selectFrom("control_deployment").select("id").executeTakeFirstOrThrow()).id;
  }
}

const loud: ReadonlySet<ManagerEvent["event"]> = new Set([
  "attempt.refused",
  "attempt.unsettled",
  "attempt.stuck",
  "service.error",
]);

/** The job manager's own events, at the levels of the server's log. */
function managerLog(log: Log): (event: ManagerEvent) => void {
  return (event) => {
    const failed = event.event === "attempt.settled" && event.outcome === "retry" && event.cause === "error";
    if (loud.has(event.event) || failed) log.warn(event, event.event);
    else log.debug(event, event.event);
  };
}
