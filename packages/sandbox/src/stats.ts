import type { InstanceRecord } from "./instances/record.ts";
import type { InstanceStatus } from "./instances/transitions.ts";

/** Labels counted one by one; creates beyond are only counted in `creates_accepted`. */
const LABELS_MAX = 1_000_000;
/** Labels shown in one answer. */
const LABELS_SHOWN_MAX = 2_000;

/** The body of `GET /sandbox/stats`: what really happened in the cloud, for proofs. */
export interface SandboxStats {
  instances: number;
  instances_by_status: Partial<Record<InstanceStatus, number>>;
  /** Creates that had an effect, whatever their answer was. Kept in the state file, as is its count by label. */
  creates_accepted: number;
  /** At most 2,000 labels, oldest first, or the one asked for with `?label=`. */
  creates_by_label: Record<string, number>;
  creates_by_label_truncated: boolean;
  /** Labels that were created more than once, at most 2,000: empty when nothing doubled. */
  labels_created_again: string[];
  deletes_accepted: number;
  /** Instances that came and went by `/sandbox/populate` and `/sandbox/vanish`, since the start of the process. */
  populated: number;
  vanished: number;
  /** Since the start of the process: attempts, and what came of them. */
  callbacks_sent: number;
  callbacks_accepted: number;
  callbacks_stopped: number;
  callbacks_retried: number;
  callbacks_given_up: number;
  requests: number;
  requests_rate_limited: number;
  faults_applied: number;
  /** First boots with something left to report. */
  first_boots_pending: number;
}

/** Plain counters; the parts of the sandbox raise them. */
export class Counters {
  createsAccepted = 0;
  deletesAccepted = 0;
  populated = 0;
  vanished = 0;
  callbacksSent = 0;
  callbacksAccepted = 0;
  callbacksStopped = 0;
  callbacksRetried = 0;
  callbacksGivenUp = 0;
  requests = 0;
  requestsRateLimited = 0;
  faultsApplied = 0;
  readonly #createsByLabel = new Map<string, number>();
  readonly #createdAgain = new Set<string>();

  /** Counts an accepted create; returns how many this label has had. */
  countCreate(label: string): number {
    this.createsAccepted++;
    return this.#setLabel(label, (this.#createsByLabel.get(label) ?? 0) + 1);
  }

  /** Takes over what a state file held. */
  restore(creates: Iterable<readonly [label: string, count: number]>): void {
    for (const [label, count] of creates) {
      this.createsAccepted += count;
      this.#setLabel(label, count);
    }
  }

  #setLabel(label: string, count: number): number {
    if (this.#createsByLabel.has(label) || this.#createsByLabel.size < LABELS_MAX) {
      this.#createsByLabel.set(label, count);
    }
    if (count > 1 && this.#createdAgain.size < LABELS_SHOWN_MAX) this.#createdAgain.add(label);
    return count;
  }

  /** `label` narrows `creates_by_label` to one. */
  show(instances: readonly InstanceRecord[], label: string | undefined): SandboxStats {
    const byStatus: Partial<Record<InstanceStatus, number>> = {};
    let pending = 0;
    for (const record of instances) {
      byStatus[record.status] = (byStatus[record.status] ?? 0) + 1;
      if (record.firstBoot !== undefined) pending++;
    }
    return {
      instances: instances.length,
      instances_by_status: byStatus,
      creates_accepted: this.createsAccepted,
      creates_by_label: this.#labelsShown(label),
      creates_by_label_truncated: label === undefined && this.#createsByLabel.size > LABELS_SHOWN_MAX,
      labels_created_again: [...this.#createdAgain],
      deletes_accepted: this.deletesAccepted,
      populated: this.populated,
      vanished: this.vanished,
      callbacks_sent: this.callbacksSent,
      callbacks_accepted: this.callbacksAccepted,
      callbacks_stopped: this.callbacksStopped,
      callbacks_retried: this.callbacksRetried,
      callbacks_given_up: this.callbacksGivenUp,
      requests: this.requests,
      requests_rate_limited: this.requestsRateLimited,
      faults_applied: this.faultsApplied,
      first_boots_pending: pending,
    };
  }

  #labelsShown(label: string | undefined): Record<string, number> {
    if (label !== undefined) return { [label]: this.#createsByLabel.get(label) ?? 0 };
    const shown: [string, number][] = [];
    for (const entry of this.#createsByLabel) {
      if (shown.length === LABELS_SHOWN_MAX) break;
      shown.push(entry);
    }
    return Object.fromEntries(shown);
  }
}
