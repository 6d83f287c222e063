import { ProvostError, type Callback, type Stage } from "@provost/contract";
import type { JobManager } from "@provost/jobs";
import { wakeKey } from "../flows/step.ts";
import type { Log } from "../options.ts";
import { sameText } from "../seal.ts";
import { stageNumber, type BootFailure, type InstanceRow } from "../storage/rows.ts";
import type { Store, Write } from "../storage/store.ts";
import type { CallbackDoor } from "../surface.ts";
import { lastLog } from "./last-log.ts";
import type { InstanceRecords } from "./records.ts";
import type { Secrets } from "./secrets.ts";

export interface CallbackServiceParts {
  store: Store;
  records: InstanceRecords;
  secrets: Secrets;
  manager: JobManager;
  log: Log;
}

const messages: Record<Stage, string> = {
  booting: "It boots for the first time",
  configuring: "It is being configured",
  ready: "It reports ready",
};

/** Logs of a stage under way are kept no closer than this: half an hour of a first boot is a hundred of them at most. */
const logEveryMs = 20_000;

/** The one door that strangers can knock at (C6). */
export class CallbackService implements CallbackDoor {
  readonly #parts: CallbackServiceParts;

  constructor(parts: CallbackServiceParts) {
    this.#parts = parts;
  }

  /**
   * Takes one report: stages move forward only, a replay changes nothing. While a stage lasts its log may come again, as it grows.
   *
   * @throws ProvostError `callback_token_rejected`: no such instance, another's token, or one past its time.
   */
  async receive(instanceId: string, token: string, callback: Callback): Promise<{ changed: boolean }> {
    const { records, store } = this.#parts;
    const row = await records.byId(instanceId);
    const now = await store.now();
    this.#admit(instanceId, row, token, now);
    const changed =
      callback.stage === "failed"
        ? await this.#failed(instanceId, { step: callback.step, exitCode: callback.exit_code, log: callback.log }, now)
        : await this.#reached(instanceId, callback.stage, callback.log, now);
    return { changed };
  }

  #admit(instanceId: string, row: InstanceRow | undefined, token: string, now: number): void {
    // An unknown instance costs the same comparison: the answer's time tells nothing.
    const expected = this.#parts.secrets.callbackToken(row ?? { id: instanceId, token_nonce: "" });
    const same = sameText(token, expected);
    const why =
      row === undefined
        ? "no such instance"
        : !same
          ? "not its token"
          : row.token_expires_at !== null && row.token_expires_at <= now
            ? "expired"
            : undefined;
    if (why === undefined) return;
    this.#parts.log.warn({ instance: instanceId.slice(0, 64), why }, "a callback was refused");
    throw new ProvostError(
      "callback_token_rejected",
      "This token does not open this callback: it is valid for one deploy.",
    );
  }

  async #reached(id: string, stage: Stage, log: string | undefined, at: number): Promise<boolean> {
    return this.#parts.store.write(async (write) => {
      const changed = await write.db
        .updateTable("control_instance")
        .set({ stage: stageNumber(stage) })
        .where("id", "=", id)
        .where("task", "=", "deploy")
        .where("stage", "<", stageNumber(stage))
        .where("boot_failure", "is", null)
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) return log !== undefined && this.#saysMore(write, { id, stage, log, at });
      await write.event({ instanceId: id, at, kind: "stage", stage, message: messages[stage], log });
      await this.#parts.manager.wake(wakeKey(id), { tx: write.tx });
      return true;
    });
  }

  /** C7: should this step never end, these are its last log lines. */
  async #saysMore(write: Write, said: { id: string; stage: Stage; log: string; at: number }): Promise<boolean> {
    const { id, stage, log, at } = said;
    const under = await write.db
      .updateTable("control_instance")
      .set((eb) => ({ status: eb.ref("status") }))
      .where("id", "=", id)
      .where("task", "=", "deploy")
      .where("stage", "=", stageNumber(stage))
      .where("boot_failure", "is", null)
      .returning("id")
      .executeTakeFirst();
    if (under === undefined) return false;
    const last = await lastLog(write.db, id);
    if (last !== undefined && (last.log === log || at - last.at < logEveryMs)) return false;
    await write.event({ instanceId: id, at, kind: "note", stage, message: "Its log has grown", log });
    return true;
  }

  /** Once it has reported ready it cannot fail any more (C6: stages only move forward). */
  async #failed(id: string, report: BootFailure, at: number): Promise<boolean> {
    return this.#parts.store.write(async (write) => {
      const changed = await write.db
        .updateTable("control_instance")
        .set({ boot_failure: JSON.stringify(report) })
        .where("id", "=", id)
        .where("task", "=", "deploy")
        .where("stage", "<", stageNumber("ready"))
        .where("boot_failure", "is", null)
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) return false;
      const code = report.exitCode === undefined ? "" : `, exit code ${report.exitCode}`;
      await write.event({
        instanceId: id,
        at,
        kind: "note",
        message: `It reports a failed step: ${report.step}${code}`,
      });
      await this.#parts.manager.wake(wakeKey(id), { tx: write.tx });
      return true;
    });
  }
}
