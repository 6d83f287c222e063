import type { JobWhy } from "@provost/contract";

/** Reasons that lie with something else than the job: their sentences have a subject of their own. */
const ofOthers: readonly JobWhy["kind"][] = ["paused", "limit", "no-worker"];

/** The reason as a whole sentence. */
export function whyWords(name: string, { kind, sentence }: Pick<JobWhy, "kind" | "sentence">): string {
  if (!ofOthers.includes(kind)) return `${name} ${sentence}.`;
  return `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)}.`;
}
