import type { InstanceRecord } from "../instances/record.ts";

/** Where the account is kept beyond the process, if anywhere. */
export interface StateSink {
  changed(record: InstanceRecord): void;
  removed(record: InstanceRecord): void;
  /** The label has now been created `count` times. */
  countCreate(label: string, count: number): void;
  /** Resolves when everything told so far is kept; rejects with `sandbox_state_unusable` when it cannot be. */
  saved(): Promise<void>;
  /** Keeps what was told and lets go. Safe to call twice. */
  close(): void;
}

/** Without a state file the account lives and dies with the process. */
export const memoryOnly: StateSink = {
  changed() {},
  removed() {},
  countCreate() {},
  saved: () => Promise.resolve(),
  close() {},
};
