import { failureSchema, ProvostError, type Failure } from "@provost/contract";
import { defineJob, flow, type Directive, type FlowBuilder, type FlowFailure, type JobContext } from "@provost/jobs";
import { z } from "zod";
import { failure, scriptFailed } from "../instances/failure.ts";
import { BakeFailed } from "./bake-failed.ts";
import { BakeSteps, type BakeParts } from "./bake-steps.ts";
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

export function controlJobs(parts: BakeParts) {
  const create = new CreateStep(parts);
  const provision = new ProvisionSteps(parts);
  const remove = new DestroyStep(parts);
  const bake = new BakeSteps(parts);
  const bakeFailed = new BakeFailed(parts);
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
    powerOff: defineJob("image.power-off", { input, run: step((context) => bake.powerOff(context)) }),
    snapshot: defineJob("image.snapshot", { input, run: step((context) => bake.snapshot(context)) }),
    register: defineJob("image.register", { input, run: step((context) => bake.register(context)) }),
    builderGone: defineJob("image.builder-gone", { input, run: step((context) => bake.builderGone(context)) }),
    bakeFailed: defineJob("image.bake-failed", {
      input,
      run: async (context) => {
        const ended = failureOf(await context.flowFailure(), "bake");
        return step((stepContext) => bakeFailed.run(stepContext, ended))(context);
      },
    }),
  };
  return {
    all: Object.values(jobs),
    /** A flow's `onFailed` job must run to its end when the flow is cancelled. */
    endNames: new Set([jobs.deployFailed.name, jobs.bakeFailed.name]),
    deploy: (id: string): FlowBuilder =>
      flow(jobs.create, { id })
        .then(jobs.awaitActive.with({ id }))
        .then(jobs.awaitReady.with({ id }))
        .then(jobs.provisioned.with({ id }))
        .onFailed(jobs.deployFailed, { id }),
    /** `id`: the image's. The builder is deployed like any instance (C2). */
    bake: (id: string, builderId: string): FlowBuilder =>
      flow(jobs.create, { id: builderId })
        .then(jobs.awaitActive.with({ id: builderId }))
        .then(jobs.awaitReady.with({ id: builderId }))
        .then(jobs.provisioned.with({ id: builderId }))
        .then(jobs.powerOff.with({ id }))
        .then(jobs.snapshot.with({ id }))
        .then(jobs.register.with({ id }))
        .then(jobs.builderGone.with({ id }))
        .onFailed(jobs.bakeFailed, { id }),
    destroy: (id: string): FlowBuilder =>
      flow(jobs.destroy, { id }, { unique: `instance:${id}:destroy` }).onFailed(jobs.destroyFailed, { id }),
  };
}

/** Turns a step's end into the manager's words. */
function step(run: (context: StepContext) => Promise<StepEnd>): (context: Context) => Promise<Directive | undefined> {
  return async (context) => {
    // Of an instance; the steps of a bake get the image's.
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
  const told =
    row.boot_failure === null ? failureOf(await context.flowFailure(), "deploy") : scriptFailed(row.boot_failure);
  if (await records.failed(id, told, await store.now())) {
    log.warn({ instance: id, code: told.code, step: told.step }, "deploy failed");
  }
}

function failureOf(ended: FlowFailure | undefined, what: string): Failure {
  const kept = failureSchema.safeParse(ended?.failure.details);
  if (kept.success) return kept.data;
  if (ended?.status === "cancelled") return failure("cancelled", what, "Its jobs were cancelled.");
  return brokenStep(what, ended?.failure.message ?? "Its flow ended without a reason.");
}
