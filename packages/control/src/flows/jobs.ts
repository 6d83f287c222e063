import { failureSchema, ProvostError, type Failure } from "@provost/contract";
import { defineJob, flow, type Directive, type FlowBuilder, type FlowFailure, type JobContext } from "@provost/jobs";
import { z } from "zod";
import { failure, scriptFailed } from "../instances/failure.ts";
import { CreateStep, type StepParts } from "./create-step.ts";
import { brokenStep, DestroyStep } from "./destroy-step.ts";
import { ProvisionSteps } from "./provision-steps.ts";
import { directive, wakeKey, type StepContext, type StepEnd } from "./step.ts";

const input = z.object({ id: z.string() });
type Context = JobContext<z.output<typeof input>>;

/** Looks beyond `looksMax` are the wakes of reports, and errors. */
const spareAttempts = 20;
/** `attemptsMax` of the job manager: at 30 s a look some eight hours. */
const destroyAttempts = 1_000;

/** The jobs of the control plane; `deploy` and `destroy` make their flows (C5, C9). */
export type ControlJobs = ReturnType<typeof controlJobs>;

export function controlJobs(parts: StepParts) {
  const create = new CreateStep(parts);
  const provision = new ProvisionSteps(parts);
  const remove = new DestroyStep(parts);
  const attempts = parts.timings.looksMax + spareAttempts;
  const jobs = {
    create: defineJob("instance.create", { input, run: step((context) => create.run(context)) }),
    awaitActive: defineJob("instance.await-active", {
      input,
      attempts,
      run: step((context) => provision.awaitActive(context)),
    }),
    awaitReady: defineJob("instance.await-ready", {
      input,
      attempts,
      run: step((context) => provision.awaitReady(context)),
    }),
    provisioned: defineJob("instance.provisioned", { input, run: step((context) => provision.provisioned(context)) }),
    deployFailed: defineJob("instance.deploy-failed", { input, run: (context) => deployFailed(parts, context) }),
    destroy: defineJob("instance.destroy", {
      input,
      attempts: destroyAttempts,
      run: step((context) => remove.run(context)),
    }),
    destroyFailed: defineJob("instance.destroy-failed", {
      input,
      run: async (context) => {
        const why = await context.flowFailure();
        await remove.gaveUp(context.input.id, context.flowId, why?.failure.message ?? "its job was lost.");
      },
    }),
  };
  return {
    all: Object.values(jobs),
    /** Its `onFailed` job must run to its end when the flow is cancelled. */
    deployFailedName: jobs.deployFailed.name,
    deploy: (id: string): FlowBuilder =>
      flow(jobs.create, { id })
        .then(jobs.awaitActive.with({ id }))
        .then(jobs.awaitReady.with({ id }))
        .then(jobs.provisioned.with({ id }))
        .onFailed(jobs.deployFailed, { id }),
    destroy: (id: string): FlowBuilder =>
      flow(jobs.destroy, { id }, { unique: `instance:${id}:destroy` }).onFailed(jobs.destroyFailed, { id }),
  };
}

/** Turns a step's end into the manager's words. */
function step(run: (context: StepContext) => Promise<StepEnd>): (context: Context) => Promise<Directive | undefined> {
  return async (context) => {
    const { id } = context.input;
    const end = await run({ instanceId: id, signal: context.signal, attempt: context.attempt }).catch(
      (error: unknown): StepEnd => {
        // An account that is gone, a secret that does not open: no later attempt would go better. Anything else is tried again.
        if (!(error instanceof ProvostError)) throw error;
        return { end: "fail", failure: brokenStep(context.name, error.message) };
      },
    );
    return directive(context, end, wakeKey(id));
  };
}

/** L6, C5: whatever ended the flow early, the instance is archived and its user told. */
async function deployFailed({ records, store, log }: StepParts, context: Context): Promise<void> {
  const { id } = context.input;
  const row = await records.byId(id);
  if (row?.task !== "deploy") return;
  const told = row.boot_failure === null ? failureOf(await context.flowFailure()) : scriptFailed(row.boot_failure);
  if (await records.failed(id, told, await store.now())) {
    log.warn({ instance: id, code: told.code, step: told.step }, "deploy failed");
  }
}

function failureOf(ended: FlowFailure | undefined): Failure {
  const kept = failureSchema.safeParse(ended?.failure.details);
  if (kept.success) return kept.data;
  if (ended?.status === "cancelled") return failure("cancelled", "deploy", "Its jobs were cancelled.");
  return brokenStep("deploy", ended?.failure.message ?? "Its flow ended without a reason.");
}
