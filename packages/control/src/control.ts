import type { InstanceEvent } from "@provost/contract";
import { JobManager, type ManagerEvent, type ScheduleDefinition } from "@provost/jobs";
import { ProviderService } from "./accounts/provider-service.ts";
import { AuditLog } from "./access/audit-log.ts";
import { retentionSchedule } from "./access/retention.ts";
import { SessionService } from "./access/session-service.ts";
import { TokenService } from "./access/token-service.ts";
import { Brakes } from "./circuit/brakes.ts";
import { fleetJob } from "./fleets/fleet-run.ts";
import { FleetService } from "./fleets/fleet-service.ts";
import { BakeFailed } from "./flows/bake-failed.ts";
import { BakeWatch } from "./flows/bake-watch.ts";
import { BuilderEnd } from "./flows/builder-end.ts";
import { controlJobs } from "./flows/jobs.ts";
import type { StepParts } from "./flows/create-step.ts";
import { done } from "./flows/step.ts";
import { Tasks } from "./flows/tasks.ts";
import { Watchdog } from "./flows/watchdog.ts";
import { deploymentId } from "./ids.ts";
import { ImageRecords } from "./images/records.ts";
import { ImageService } from "./images/image-service.ts";
import { CallbackService } from "./instances/callback-service.ts";
import { AdoptionService } from "./instances/adoption-service.ts";
import { InstanceService } from "./instances/instance-service.ts";
import { InstanceViews } from "./instances/instance-views.ts";
import { InstanceRecords } from "./instances/records.ts";
import { tellExpired } from "./instances/tombstones.ts";
import { Secrets } from "./instances/secrets.ts";
import { LiveService } from "./live/live-service.ts";
import { defaultTimings, type ControlOptions, type Log, type Timings } from "./options.ts";
import { OrphanJob } from "./orphans/orphan-job.ts";
import { OrphanReaper } from "./orphans/orphan-reaper.ts";
import { OrphanService } from "./orphans/orphan-service.ts";
import { Seal } from "./seal.ts";
import { Store } from "./storage/store.ts";
import { jobDoor } from "./jobs/job-door.ts";
import { ProcessService } from "./jobs/process-service.ts";
import { QueueService } from "./jobs/queue-service.ts";
import { ScheduleService } from "./jobs/schedule-service.ts";
import type { ControlSurface, JobDoor } from "./surface.ts";
import { SweepBook } from "./sweeps/sweep-book.ts";
import { Sweeps, sweepQueue } from "./sweeps/sweeps.ts";
import { ServerBook } from "./system/server-book.ts";
import { SystemService } from "./system/system-service.ts";
import { taskJobs } from "./tasks/task-jobs.ts";
import { TaskService } from "./tasks/task-service.ts";
import { TaskSteps } from "./tasks/task-steps.ts";
import { TaskWatch } from "./tasks/task-watch.ts";
import { AddressRule } from "./webhooks/address-rule.ts";
import { deliveryJob } from "./webhooks/delivery-job.ts";
import { DeliveryWatch } from "./webhooks/delivery-watch.ts";
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
  readonly tasks: TaskService;
  readonly fleets: FleetService;
  readonly images: ImageService;
  readonly callbacks: CallbackService;
  readonly tokens: TokenService;
  readonly sessions: SessionService;
  readonly audit: AuditLog;
  readonly live: LiveService;
  readonly system: SystemService;
  readonly webhooks: WebhookService;
  readonly orphans: OrphanService;
  readonly adoption: AdoptionService;
  readonly jobs: JobDoor;
  readonly queues: QueueService;
  readonly schedules: ScheduleService;
  readonly processes: ProcessService;
  readonly #store: Store;
  readonly #manager: JobManager;
  readonly #watchdog: Watchdog;
  readonly #telling: Telling;
  readonly #postman: Postman;
  readonly #servers: ServerBook;
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
    const stepParts = { store, records, images, providers, secrets, timings, log, deployment, builderEnd };
    const jobs = controlJobs(stepParts);
    // The jobs are there before the service that they call.
    const turns: { service?: TaskService; fleets?: FleetService } = {};
    const changes = taskJobs(new TaskSteps(stepParts), async (id) => (await turns.service?.takeTurn(id)) ?? done);
    const fleet = fleetJob(async (id) => (await turns.fleets?.pass(id)) ?? done);
    const audit = new AuditLog(store, log);
    const tokens = new TokenService(store);
    const sessions = new SessionService(store, tokens);
    const retention = kept({ store, audit, sessions, timings });
    const rule = new AddressRule(options.webhooksTo ?? []);
    const postman = new Postman({ rule, timeoutMs: timings.webhookTimeoutMs });
    const deliver = deliveryJob({ store, seal, postman, timings, log });
    const { sweeps, orphanJob } = sweeping(stepParts);
    const manager = new JobManager({
      transporter: options.transporter,
      jobs: [...jobs.all, ...changes.all, ...sweeps.jobs, orphanJob.definition, fleet, retention, deliver],
      lease: timings.jobLeaseMs,
      log: managerLog(log),
    });
    const tasks: Tasks = new Tasks({ store, manager, jobs });
    const { budgets, circuits } = providers;
    const views = new InstanceViews({ store, budgets, circuits, timings });
    const parts = { ...stepParts, manager, tasks, views, callback: options.callback };
    const requests = new TaskService({ ...parts, flows: tasks, jobs: changes });
    turns.service = requests;
    const taskWatch = new TaskWatch({ ...parts, jobs: changes });
    const telling = new Telling({ manager, job: deliver, timings, deployment, log });
    store.onEvent(async (write, event) => {
      await telling.told(write, event);
      await requests.freed(write, event);
      await this.fleets.freed(write, event);
    });
    [this.#store, this.#manager, this.#telling, this.#postman] = [store, manager, telling, postman];
    const bakes = new BakeWatch({ ...parts, circuits, failed: new BakeFailed(stepParts) });
    this.providers = providers;
    this.instances = new InstanceService({ ...parts, requests });
    this.tasks = requests;
    this.fleets = new FleetService({ ...parts, job: fleet, tasks: requests, instances: this.instances });
    turns.fleets = this.fleets;
    const deliveries = new DeliveryWatch({ store, manager, telling, timings, log });
    this.#watchdog = new Watchdog({ ...parts, taskWatch, fleets: this.fleets, bakes, deliveries });
    this.images = new ImageService(parts);
    this.callbacks = new CallbackService(parts);
    this.tokens = tokens;
    this.sessions = sessions;
    this.audit = audit;
    this.live = new LiveService(store, providers);
    this.orphans = new OrphanService({ ...parts, job: orphanJob });
    const { version = "" } = options;
    this.#servers = new ServerBook({ store, version, log });
    this.system = new SystemService({ ...parts, orphans: this.orphans, servers: this.#servers, version });
    this.adoption = new AdoptionService(parts);
    this.jobs = jobDoor(parts);
    this.queues = new QueueService(parts);
    this.schedules = new ScheduleService(parts);
    this.processes = new ProcessService(parts);
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
    await this.#servers.start();
    this.#watchdog.start();
  }

  /** Lets running jobs end, or defers them (L4). Awaited, safe to call twice; the Transporter stays open. */
  async stop(): Promise<void> {
    await this.#watchdog.stop();
    await this.#servers.stop();
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

/** C10, C13: what reads the fleet again and again. */
function sweeping({ store, providers, timings, log, deployment }: StepParts): { sweeps: Sweeps; orphanJob: OrphanJob } {
  const brakes = new Brakes({ store, timings, log });
  const parts = { store, providers, brakes, book: new SweepBook(store), timings, log, deployment };
  const orphanJob = new OrphanJob(parts, sweepQueue);
  return { orphanJob, sweeps: new Sweeps(parts, new OrphanReaper(parts, orphanJob)) };
}

interface KeptParts {
  store: Store;
  audit: AuditLog;
  sessions: SessionService;
  timings: Timings;
}

/** What is forgotten when it has grown old. */
function kept({ store, audit, sessions, timings }: KeptParts): ScheduleDefinition {
  const { auditKeptMs, deliveriesKeptMs, tombstoneKeptMs } = timings;
  return retentionSchedule(
    () => store.now(),
    [
      { keptMs: auditKeptMs, prune: (olderThan, signal) => audit.prune(olderThan, signal) },
      { keptMs: deliveriesKeptMs, prune: (olderThan, signal) => pruneDeliveries(store, olderThan, signal) },
      { keptMs: tombstoneKeptMs, prune: (olderThan, signal) => tellExpired(store, olderThan, signal) },
      { keptMs: 0, prune: (olderThan) => sessions.prune(olderThan) },
    ],
  );
}

/** The job manager's own events, at the levels of the server's log. */
function managerLog(log: Log): (event: ManagerEvent) => void {
  return (event) => {
    const failed = event.event === "attempt.settled" && event.outcome === "retry" && event.cause === "error";
    if (loud.has(event.event) || failed) log.warn(event, event.event);
    else log.debug(event, event.event);
  };
}
