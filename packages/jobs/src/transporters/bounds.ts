import { JobsError, type JobsErrorCode } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { MemoryOperation } from "./permits.ts";
import type { NewFlow, NewItem, NewJob } from "./transporter.ts";

/** The store's own walls (L14): the manager has checked before, a direct user of the Transporter may not have. */
export function checkBatch(what: string, count: number): void {
  if (count > limits.batchJobsMax) {
    throw new JobsError(
      "batch_too_large",
      `${what}: ${count} is over limits.batchJobsMax ${limits.batchJobsMax}: split it`,
    );
  }
}

/** One act on shared memory (L12). */
export function checkOperations(operations: readonly MemoryOperation[]): void {
  if (operations.length > limits.memoryOperationsMax) {
    throw new JobsError(
      "batch_too_large",
      `${operations.length} operations on shared memory are over limits.memoryOperationsMax ${limits.memoryOperationsMax}: split them`,
    );
  }
  for (const operation of operations) {
    if (operation.kind === "add" && Buffer.byteLength(operation.value) > limits.payloadBytesMax) {
      throw new JobsError(
        "payload_too_large",
        `the value of key ${JSON.stringify(operation.key)} is over limits.payloadBytesMax ${limits.payloadBytesMax}: store it elsewhere and share its address`,
      );
    }
  }
}

export function checkItems(items: readonly NewItem[]): void {
  let count = 0;
  for (const item of items) {
    if ("job" in item) {
      count += 1;
      checkPayload(item.job.name, item.job.input);
    } else {
      count += item.flow.jobs.length;
      checkFlow(item.flow);
    }
  }
  if (count > limits.enqueueJobsMax) {
    throw new JobsError(
      "batch_too_large",
      `enqueue: ${count} jobs are over limits.enqueueJobsMax ${limits.enqueueJobsMax}: split them`,
    );
  }
}

/** `text` is JSON: an input or a result. */
export function checkPayload(name: string, text: string | undefined): void {
  // A UTF-16 unit is at most three bytes of UTF-8: short texts need no count.
  if (text === undefined || text.length * 3 <= limits.payloadBytesMax) return;
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.payloadBytesMax) {
    throw new JobsError(
      "payload_too_large",
      `job "${name}": ${bytes} bytes of JSON are over limits.payloadBytesMax ${limits.payloadBytesMax}: store it elsewhere and pass its address`,
    );
  }
}

function checkFlow(flow: NewFlow): void {
  if (flow.jobs.length > limits.flowJobsMax) {
    throw new JobsError(
      "flow_too_large",
      `a flow of ${flow.jobs.length} jobs is over limits.flowJobsMax ${limits.flowJobsMax}: let a job enqueue further flows`,
    );
  }
  if (flow.onFailed !== undefined) checkPayload(flow.onFailed.name, flow.onFailed.input);
  const filled = new Set<number>();
  const depths: number[] = [];
  flow.jobs.forEach((job: NewJob & { stage: number }, index) => {
    const stage = flow.stages[job.stage];
    if (stage === undefined)
      invalid(`job "${job.name}" is in stage ${job.stage}, the flow has ${flow.stages.length} (from 0)`);
    if (stage.parent !== undefined && !(stage.parent >= 0 && stage.parent < index)) {
      invalid(
        `stage ${job.stage} names parent ${stage.parent}, which does not stand before job ${index}: put parents first`,
      );
    }
    const depth = stage.parent === undefined ? 1 : (depths[stage.parent] ?? 0) + 1;
    if (depth > limits.flowDepthMax) {
      throw fail(
        "flow_too_deep",
        `job "${job.name}" is at level ${depth}, over limits.flowDepthMax ${limits.flowDepthMax}: use stages`,
      );
    }
    depths.push(depth);
    filled.add(job.stage);
    checkPayload(job.name, job.input);
  });
  const empty = flow.stages.findIndex((_, index) => !filled.has(index));
  if (empty !== -1 || flow.stages.length === 0) invalid(`stage ${Math.max(0, empty)} has no jobs: leave it out`);
}

function fail(code: JobsErrorCode, message: string): JobsError {
  return new JobsError(code, message);
}

function invalid(message: string): never {
  throw fail("invalid_definition", message);
}
