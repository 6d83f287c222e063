import { stages, type InstanceEvent, type Stage } from "@provost/contract";
import type { Paint, Terminal } from "./terminal.ts";
import { elapsed, harmless } from "./words.ts";

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;

/** Shows an instance's events as they come. */
export interface Progress {
  event(event: InstanceEvent): void;
  /** What the work waits for now, in a few words; undefined when it goes on. */
  waits(what: string | undefined): void;
  /** Takes the moving line away. Safe to call twice. */
  end(): void;
}

/** One line for each event, with the time since the request; on a terminal a moving line under them says what is awaited. */
export class ProgressLines implements Progress {
  readonly #terminal: Terminal;
  readonly #paint: Paint;
  readonly #startedAt: number;
  readonly #skewMs: number;
  #awaited = "an answer";
  #waits: string | undefined;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param startedAt when the work was asked for, ms, by the server's clock.
   * @param now ms, by this machine's clock; the moving line bridges the two.
   */
  constructor(terminal: Terminal, paint: Paint, startedAt: number, now: number) {
    this.#terminal = terminal;
    this.#paint = paint;
    this.#startedAt = startedAt;
    this.#skewMs = Math.max(0, now - startedAt) < 5_000 ? 0 : now - startedAt;
    if (!terminal.isTty) return;
    const shownAt = performance.now();
    this.#timer = setInterval(() => this.#move(performance.now() - shownAt), frameMs);
    this.#timer.unref();
  }

  event(event: InstanceEvent): void {
    this.#clear();
    const { mark, label } = look(event, this.#paint);
    const time = elapsed(Date.parse(event.at) - this.#startedAt).padStart(9);
    const message = saysMore(event) ? `  ${this.#paint.dim(harmless(event.message))}` : "";
    this.#terminal.out(`  ${mark} ${label.padEnd(13)}${this.#paint.dim(time)}${message}\n`);
    this.#awaited = awaitedAfter(event) ?? this.#awaited;
  }

  waits(what: string | undefined): void {
    this.#waits = what;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#clear();
    this.#timer = undefined;
  }

  #move(sinceShownMs: number): void {
    this.#frame = (this.#frame + 1) % frames.length;
    const frame = this.#paint.cyan(frames[this.#frame] ?? "");
    const time = this.#paint.dim(elapsed(this.#skewMs + sinceShownMs).padStart(9));
    const waits = this.#waits === undefined ? "" : `  ${this.#paint.dim(`waits: ${this.#waits}`)}`;
    this.#terminal.out(`\r\u001b[2K  ${frame} ${this.#awaited.padEnd(13)}${time}${waits}`);
  }

  #clear(): void {
    if (this.#timer !== undefined) this.#terminal.out("\r\u001b[2K");
  }
}

/** For programs: one JSON object a line. */
export class ProgressJson implements Progress {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  event(event: InstanceEvent): void {
    this.#terminal.out(`${JSON.stringify({ event })}\n`);
  }

  waits(): void {}

  end(): void {}
}

function look(event: InstanceEvent, paint: Paint): { mark: string; label: string } {
  const label = event.kind === "stage" && event.stage !== undefined ? event.stage : event.kind.replace(/^task_/, "");
  if (label === "failed") return { mark: paint.red("✗"), label };
  if (event.kind === "note" || event.kind === "task_waiting") return { mark: paint.yellow("!"), label };
  return { mark: paint.green("✓"), label };
}

/** These only repeat the label, or what the report below them says at length. */
const silent: ReadonlySet<InstanceEvent["kind"]> = new Set(["stage", "requested", "provisioned", "task_failed"]);

function saysMore(event: InstanceEvent): boolean {
  return !silent.has(event.kind) && event.message !== "";
}

function awaitedAfter(event: InstanceEvent): string | undefined {
  const after: Partial<Record<InstanceEvent["kind"], string>> = {
    requested: "creating",
    creating: "accepted",
    accepted: "active",
    adopted: "active",
    active: stages[0],
    provisioned: "baked",
    baked: "destroyed",
    destroying: "destroyed",
    task_waiting: "its turn",
    task_started: "done",
  };
  return event.kind === "stage" && event.stage !== undefined ? nextStage(event.stage) : after[event.kind];
}

function nextStage(stage: Stage): string {
  return stages[stages.indexOf(stage) + 1] ?? "provisioned";
}
