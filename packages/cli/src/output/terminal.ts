import { isatty } from "node:tty";
import { styleText } from "node:util";

/** Where a command writes. `out` is the result, `err` what went wrong. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Someone watches: lines may be rewritten, questions asked. */
  isTty: boolean;
  /** Both may be painted; commands switch it off with `--no-color`. */
  colour: boolean;
  columns(): number;
  /** Asks a person; undefined when the answer was the end of input. */
  ask(question: string): Promise<string | undefined>;
}

export function processTerminal(process: NodeJS.Process): Terminal {
  const isTty = isatty(1);
  const { NO_COLOR: noColour, TERM: kind } = process.env;
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTty,
    colour: isTty && (noColour ?? "") === "" && kind !== "dumb",
    columns: () => process.stdout.columns || 80,
    ask: async (question) => {
      const { createInterface } = await import("node:readline/promises");
      const lines = createInterface({ input: process.stdin, output: process.stdout });
      try {
        return await Promise.race([
          lines.question(question),
          new Promise<undefined>((resolve) => lines.once("close", () => resolve(undefined))),
        ]);
      } finally {
        lines.close();
      }
    },
  };
}

export type Paint = Record<"bold" | "dim" | "green" | "red" | "yellow" | "cyan", (text: string) => string>;

/** Colours, or nothing at all. */
export function paint(colour: boolean): Paint {
  const as =
    (style: keyof Paint) =>
    (text: string): string =>
      colour ? styleText(style, text, { validateStream: false }) : text;
  return {
    bold: as("bold"),
    dim: as("dim"),
    green: as("green"),
    red: as("red"),
    yellow: as("yellow"),
    cyan: as("cyan"),
  };
}
