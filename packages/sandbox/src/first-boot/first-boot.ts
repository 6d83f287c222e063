/** What the boot script ends with when the directive `fail` says so. */
export interface ScriptFailure {
  exitCode: number;
  log: string;
}

/** The reports of a first boot, in order; the last one is `failed` where the script fails. */
export const STAGES = ["booting", "configuring", "ready"] as const;
export type Stage = (typeof STAGES)[number];

/** What an instance's one-shot first-boot service still has to say, and to whom (C6). */
export interface FirstBoot {
  readonly url: string;
  /** Single-purpose bearer token from the user data: sent to `url`, shown nowhere. */
  readonly token: string;
  readonly failure: ScriptFailure | undefined;
  /** What its script says before it hangs: told with `configuring`, the last report. Undefined for one that ends. */
  readonly hangsWith?: string | undefined;
  /** Index in `STAGES` of the next report. */
  stage: number;
  /** When it is due (epoch ms), 0 while the instance is not running or a report is under way; also the timer's fence. */
  dueMs: number;
  /** How often this report was tried in vain, and since when (epoch ms; 0: not yet). */
  retries: number;
  firstTryMs: number;
}

/** The JSON body of the next report. */
export function reportBody(firstBoot: FirstBoot): Record<string, unknown> {
  const stage = STAGES[firstBoot.stage];
  if (stage === "ready" && firstBoot.failure !== undefined) {
    const { exitCode, log } = firstBoot.failure;
    return { stage: "failed", step: "script", exit_code: exitCode, log };
  }
  return stage === "configuring" && firstBoot.hangsWith !== undefined ? { stage, log: firstBoot.hangsWith } : { stage };
}

/** The report that was just accepted is followed by no other. */
export function isOver(firstBoot: FirstBoot): boolean {
  return (
    firstBoot.stage === STAGES.length || (firstBoot.hangsWith !== undefined && STAGES[firstBoot.stage] === "ready")
  );
}
