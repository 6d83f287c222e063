/** What happened to an instance, in Provost's words; `changed` is everything that has no word of its own. */
export type ProviderEventKind =
  | "created"
  | "booted"
  | "rebooted"
  | "stopped"
  | "resized"
  | "rebuilt"
  | "moved"
  | "backup"
  | "destroyed"
  | "changed";

/** One entry of a provider's feed of changes (C10). A hint to look, not a reading: the instance itself tells its status. */
export interface ProviderEvent {
  /** Grows from entry to entry of one feed: numbers, or words that compare as text. */
  id: string;
  instanceId: string;
  kind: ProviderEventKind;
  /**
   * `started`: under way; the same id comes once more when it has ended. `finished` and `failed` are final and come once.
   */
  state: "started" | "finished" | "failed";
  /** The provider's own word, for people: `linode_reboot`, `instance-restarted`. */
  text: string;
  /** When it came into this state, ISO 8601, by the provider's clock. */
  at: string;
}

export interface EventPage {
  /** By ascending id. */
  events: ProviderEvent[];
  /** Hand it to the next call. Opaque, up to 16 kB; keep the last one. */
  cursor: string;
  /** Ask again at once: there is more already. */
  more: boolean;
  /** Something may have been missed before these (first connection, lost connection, overflow): only a sweep can tell (C10). */
  gap: boolean;
}
