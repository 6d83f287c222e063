import type { FlowNodeView, FlowStageView } from "@provost/contract";

/** A line of the tree of a flow. */
export type FlowRow = { key: string; depth: number } & (
  | { kind: "stage"; stage: FlowStageView; stages: number; open: boolean }
  | { kind: "job"; job: FlowNodeView; open: boolean; below: boolean; onFailed: boolean }
  /** Jobs of a stage that are not listed yet. */
  | { kind: "more"; stage: FlowStageView; left: number; listed: number }
);

export interface FlowShape {
  stages: readonly FlowStageView[];
  onFailed?: FlowNodeView | undefined;
}

/** Further jobs of stages, by the stage's id, as they were read since. */
export type MoreJobs = ReadonlyMap<string, readonly FlowNodeView[]>;

/** The tree as lines, but for what lies below closed ones. */
export function rowsOf({ stages, onFailed }: FlowShape, closed: ReadonlySet<string>, more: MoreJobs): FlowRow[] {
  const rows: FlowRow[] = [];
  const putJob = (job: FlowNodeView, depth: number, isOnFailed: boolean): void => {
    const key = `job-${job.id}`;
    const below = job.stages.length > 0;
    const open = below && !closed.has(key);
    rows.push({ kind: "job", key, depth, job, open, below, onFailed: isOnFailed });
    if (open) putStages(job.stages, depth + 1);
  };
  const putStages = (list: readonly FlowStageView[], depth: number): void => {
    for (const stage of list) {
      const key = `stage-${stage.id}`;
      const open = !closed.has(key);
      rows.push({ kind: "stage", key, depth, stage, stages: list.length, open });
      if (!open) continue;
      const jobs = withMore(stage, more.get(stage.id));
      for (const job of jobs) putJob(job, depth + 1, false);
      const left = jobsOf(stage) - jobs.length;
      if (left > 0)
        rows.push({ kind: "more", key: `more-${stage.id}`, depth: depth + 1, stage, left, listed: jobs.length });
    }
  };
  putStages(stages, 0);
  if (onFailed !== undefined) putJob(onFailed, 0, true);
  return rows;
}

/** A stage's listed jobs, then what was read besides; each once, as it was read last. */
function withMore({ jobs }: FlowStageView, more: readonly FlowNodeView[] = []): FlowNodeView[] {
  const listed = new Set(jobs.map(({ id }) => id));
  return [...jobs, ...more.filter(({ id }) => !listed.has(id))];
}

/** Jobs of a stage itself, however many are listed. */
export function jobsOf({ counts }: FlowStageView): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Keys of all that can be closed. */
export function closable({ stages, onFailed }: FlowShape): string[] {
  const ofStage = (stage: FlowStageView): string[] => [`stage-${stage.id}`, ...stage.jobs.flatMap(ofJob)];
  const ofJob = (job: FlowNodeView): string[] =>
    job.stages.length === 0 ? [] : [`job-${job.id}`, ...job.stages.flatMap(ofStage)];
  return [...stages.flatMap(ofStage), ...(onFailed === undefined ? [] : ofJob(onFailed))];
}

/** Line of what encloses a line: where ← leads. */
export function parentIndex(rows: readonly FlowRow[], index: number): number {
  const depth = rows[index]?.depth ?? 0;
  const found = rows.slice(0, index).findLastIndex((row) => row.depth < depth);
  return found < 0 ? index : found;
}

/** What a key does in the tree: goes to a line, opens or closes the one it is at, or does what that is for. */
export type TreeStep = { go: number } | { toggle: string } | { act: FlowRow };

export function stepOf(key: string, rows: readonly FlowRow[], at: number): TreeStep | undefined {
  const row = rows[at];
  const isOpen = row !== undefined && row.kind !== "more" && row.open;
  const isClosed = row !== undefined && (row.kind === "stage" || (row.kind === "job" && row.below)) && !row.open;
  const go = (index: number): TreeStep => ({ go: Math.max(0, Math.min(rows.length - 1, index)) });
  if (key === "ArrowDown") return go(at + 1);
  if (key === "ArrowUp") return go(at - 1);
  if (key === "Home") return go(0);
  if (key === "End") return go(rows.length - 1);
  if (row === undefined) return undefined;
  if (key === "ArrowLeft") return isOpen ? { toggle: row.key } : go(parentIndex(rows, at));
  if (key === "ArrowRight") return isClosed ? { toggle: row.key } : go(at + 1);
  return key === "Enter" ? { act: row } : undefined;
}
