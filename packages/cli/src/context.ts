import { Api } from "./client/api.ts";
import { findServer, type ConnectionOptions } from "./client/connection.ts";
import { ProgressJson, ProgressLines, type Progress } from "./output/progress.ts";
import { paint, type Paint, type Terminal } from "./output/terminal.ts";
import { shellWord } from "./output/words.ts";

/** What the process hands to the commands. */
export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  /** Aborts at the first Ctrl-C or its kin. */
  interrupted: AbortSignal;
  terminal: Terminal;
  /** How this command is called here: `provost`, `npx provost`. */
  command: string;
}

export interface GlobalOptions extends ConnectionOptions {
  json?: boolean;
  color?: boolean;
}

/** One invocation: surroundings plus global options. */
export class Context {
  readonly terminal: Terminal;
  readonly paint: Paint;
  readonly env: Surroundings["env"];
  readonly interrupted: AbortSignal;
  readonly json: boolean;
  readonly options: GlobalOptions;
  /** As one types it here, with the options that lead to the same server. */
  readonly command: string;
  readonly #surroundings: Surroundings;

  constructor(surroundings: Surroundings, options: GlobalOptions) {
    const { terminal } = surroundings;
    const colour = terminal.colour && options.color !== false && options.json !== true;
    this.terminal = { ...terminal, colour, isTty: terminal.isTty && options.json !== true };
    this.paint = paint(colour);
    this.env = surroundings.env;
    this.interrupted = surroundings.interrupted;
    this.json = options.json === true;
    this.options = options;
    this.#surroundings = surroundings;
    this.command = [
      surroundings.command,
      ...(options.data === undefined ? [] : ["--data", shellWord(options.data)]),
      ...(options.url === undefined ? [] : ["--url", shellWord(options.url)]),
    ].join(" ");
  }

  /** The same invocation with other global options. */
  with(options: GlobalOptions): Context {
    return new Context(this.#surroundings, { ...this.options, ...options });
  }

  /** @throws ProvostError when no server is to be found. */
  api(): Api {
    return new Api(findServer(this.options, this.env, this.#surroundings.command), this.interrupted);
  }

  progress(startedAt: string): Progress {
    if (this.json) return new ProgressJson(this.terminal);
    return new ProgressLines(this.terminal, this.paint, Date.parse(startedAt), Date.now());
  }

  out(text: string): void {
    this.terminal.out(text);
  }

  printJson(value: unknown): void {
    this.terminal.out(`${JSON.stringify(value, undefined, 2)}\n`);
  }
}
