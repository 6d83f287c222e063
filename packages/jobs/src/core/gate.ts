import type { FlowStage } from "../transporters/sight.ts";
import type { Job } from "./job.ts";

/** What holds a waiting job back (L6): a stage before it, or the job that it stands under. */
export type Gate =
  | {
      kind: "stage";
      /** The stage that has to pass first, from 0, and how many there are under its parent. */
      stage: number;
      stages: number;
      /** Members of it that have not ended, with what is below them. */
      unfinished: number;
      /** Those of the jobs looked at that stand in it, or below it. */
      heldBy: Job[];
    }
  | { kind: "parent"; heldBy: Job[] };

/**
 * The gate that a waiting job stands before. A gate of its own may be held by one further up: what is told is the one that
 * something is being done about.
 *
 * @param stages all of its flow.
 * @param active jobs of its flow that are neither waiting nor final.
 * @returns undefined when nothing holds it: it was read a moment before its gate opened.
 */
export function gateOf(job: Job, stages: readonly FlowStage[], active: readonly Job[]): Gate | undefined {
  const tree = new StageTree(stages);
  let stage = tree.of(job);
  while (stage !== undefined) {
    const { id, parentId, parentStageId } = stage;
    const siblings = tree.under(parentId);
    const open = siblings.find(({ state }) => state === "open");
    if (open !== undefined && open.id !== id) {
      const heldBy = active.filter((each) => tree.holds(open.id, each));
      return { kind: "stage", stage: open.position, stages: siblings.length, unfinished: open.unfinished, heldBy };
    }
    const parent = active.filter((each) => each.id === parentId);
    if (parent.length > 0) return { kind: "parent", heldBy: parent };
    stage = parentStageId === undefined ? undefined : tree.get(parentStageId);
  }
  return undefined;
}

/** Stages by what they stand under. */
class StageTree {
  readonly #byId = new Map<string, FlowStage>();
  readonly #byParent = new Map<string | undefined, FlowStage[]>();

  constructor(stages: readonly FlowStage[]) {
    for (const stage of stages) {
      this.#byId.set(stage.id, stage);
      const siblings = this.#byParent.get(stage.parentId);
      if (siblings === undefined) this.#byParent.set(stage.parentId, [stage]);
      else siblings.push(stage);
    }
  }

  get(id: string): FlowStage | undefined {
    return this.#byId.get(id);
  }

  under(parentId: string | undefined): readonly FlowStage[] {
    return this.#byParent.get(parentId) ?? [];
  }

  /** Undefined for jobs outside the tree: a flow's `onFailed` job stands in no stage. */
  of(job: Job): FlowStage | undefined {
    return job.stage === undefined
      ? undefined
      : this.under(job.parentId).find(({ position }) => position === job.stage);
  }

  /** Whether the job stands in the stage or anywhere below it. */
  holds(stageId: string, job: Job): boolean {
    for (let stage = this.of(job); stage !== undefined;) {
      if (stage.id === stageId) return true;
      stage = stage.parentStageId === undefined ? undefined : this.get(stage.parentStageId);
    }
    return false;
  }
}
