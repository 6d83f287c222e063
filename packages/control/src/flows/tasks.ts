import type { JobManager } from "@provost/jobs";
import type { InstanceRow } from "../storage/rows.ts";
import type { Store, Write } from "../storage/store.ts";
import type { ControlJobs } from "./jobs.ts";

/** Flows for instances, each enqueued or cancelled in the transaction that changes the row (C9). */
export class Tasks {
  readonly #store: Store;
  readonly #manager: JobManager;
  readonly #jobs: ControlJobs;

  constructor(parts: { store: Store; manager: JobManager; jobs: ControlJobs }) {
    this.#store = parts.store;
    this.#manager = parts.manager;
    this.#jobs = parts.jobs;
  }

  /** Returns the flow's id. */
  async enqueueDeploy(id: string, write: Write): Promise<string> {
    return (await this.#manager.enqueue(this.#jobs.deploy(id), { tx: write.tx })).id;
  }

  async enqueueDestroy(id: string, write: Write): Promise<string> {
    return (await this.#manager.enqueue(this.#jobs.destroy(id), { tx: write.tx })).id;
  }

  async enqueueBake(id: string, builderId: string, write: Write): Promise<string> {
    return (await this.#manager.enqueue(this.#jobs.bake(id, builderId), { tx: write.tx })).id;
  }

  /** All of a bake's flow ends, save what tells of it and cleans up. */
  async cancelFlow(flowId: string | null, reason: string): Promise<void> {
    const ids = flowId === null ? [] : await this.#unfinished(flowId);
    if (ids.length > 0) await this.#manager.cancel(ids, { reason });
  }

  /** Joins a transaction: the jobs of the row's flow end, save the one that tells of it. */
  async cancelling(row: InstanceRow, reason: string): Promise<(write: Write) => Promise<void>> {
    if (row.flow_id === null) return async () => {};
    const ids = await this.#unfinished(row.flow_id);
    return async ({ tx }) => {
      if (ids.length > 0) await this.#manager.cancel(ids, { tx, reason });
    };
  }

  /** A destroy whose flow was lost gets another one. */
  async destroyAgain(row: InstanceRow): Promise<void> {
    await this.#store.write(async (write) => {
      const flowId = await this.enqueueDestroy(row.id, write);
      await write.db
        .updateTable("control_instance")
        .set({ flow_id: flowId })
        .where("id", "=", row.id)
        .where("task", "=", "destroy")
        .execute();
    });
  }

  /** Without the job that tells of the flow's end. */
  async #unfinished(flowId: string): Promise<string[]> {
    const jobs = await this.#manager.list({ flowId });
    return jobs
      .filter(({ name, finishedAt }) => !this.#jobs.endNames.has(name) && finishedAt === undefined)
      .map(({ id }) => id);
  }
}
