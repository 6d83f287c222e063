/** What ended in one minute, of one name and queue, as one manager has seen it. */
export interface MinuteRow {
  /** Its beginning by the store's clock: ms since 1970, a multiple of 60,000. */
  minute: number;
  name: string;
  queue: string;
  /** Jobs that ended with an attempt of their own. */
  processed: number;
  failed: number;
  cancelled: number;
  /** Attempts that ended in an error, a timeout or a death, of jobs that come back. */
  retried: number;
  /** From ready to started, and from started to ended, of all these attempts: `Histogram` as text. */
  waits: string;
  runs: string;
}

/** Jobs by status at the end of a minute. */
export interface MinuteLevel {
  minute: number;
  waiting: number;
  delayed: number;
  queued: number;
  inProgress: number;
}

/** The last day, minute by minute (L15). Kept by managers, a row for each name they have run: no job writes anything for it. */
export interface MinuteStore {
  /**
   * Sets this manager's rows, whole ones: to say it twice changes nothing. `level`: also notes how many jobs there are now, as the end of
   * that minute, and forgets what is older than a day. At most `limits.minuteRowsMax`.
   */
  put(manager: string, rows: readonly MinuteRow[], level?: number): Promise<void>;
  /** From this minute on, of all managers. */
  read(from: number): Promise<{ rows: MinuteRow[]; levels: MinuteLevel[] }>;
}
