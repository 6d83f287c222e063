/** What an account consists of. */
export type Kind = "instance" | "event" | "image";

/** Where the account is kept beyond the process, if anywhere. */
export interface StateSink {
  /** The item is new or has changed; it is read when it is written. */
  changed(kind: Kind, item: { readonly id: number }): void;
  removed(kind: Kind, id: number): void;
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
