import type { JobId } from "../core/job.ts";

/** A line on its way to the store. */
export interface NewLogLine {
  jobId: JobId;
  fence: number;
  /** Of the attempt's lines, from 1. */
  line: number;
  /** How long ago it was told. */
  agoMs: number;
  stream: "log" | "stdout" | "stderr";
  message: string;
  /** JSON text. */
  fields?: string;
}

/** What a job's attempts have told, or printed. */
export interface LogLine {
  /** Ascending: by attempt, then in the order told. */
  seq: number;
  fence: number;
  /** By the store's clock. */
  at: number;
  stream: NewLogLine["stream"];
  message: string;
  fields?: string;
}

/** Lines of jobs' logs (L15): kept until the job is pruned. */
export interface LogStore {
  /** At most `limits.batchJobsMax`; one that is there already stays. */
  add(lines: readonly NewLogLine[]): Promise<void>;
  /** Ascending, those behind `after`. */
  read(query: { jobId: JobId; after?: number; limit: number }): Promise<LogLine[]>;
}

/** Lines of one attempt, as a part of `LogLine.seq`. */
export const linesPerAttempt = 10_000;
