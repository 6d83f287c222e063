import type { FirstBoot, ScriptFailure } from "./first-boot.ts";

/** What a pretend guest makes of its user data. */
export interface GuestPlan {
  /** Undefined where the user data names no callback, or the directive is `silent`. */
  firstBoot: FirstBoot | undefined;
  /** Directive `stuck`: never becomes running. */
  stuck: boolean;
  /** Why a callback that was asked for will not be made; for the console. */
  refusal: string | undefined;
}

const DIRECTIVE = /^#\s*sandbox:\s*(\S+)(.*)$/;
const LOG_CHARS_MAX = 4_000;

/**
 * Reads a rendered boot script: its `PROVOST_CALLBACK_URL='…'` and `PROVOST_CALLBACK_TOKEN='…'` lines, and the
 * `# sandbox:` directives that make the instance misbehave on purpose. Other lines and unknown directives mean nothing
 * to the sandbox: no script is ever run.
 */
export function readUserData(script: string): GuestPlan {
  let url: string | undefined;
  let token: string | undefined;
  let failure: ScriptFailure | undefined;
  let hangsWith: string | undefined;
  let silent = false;
  let stuck = false;
  for (const line of script.split("\n")) {
    const text = line.trim();
    const directive = DIRECTIVE.exec(text);
    if (directive) {
      if (directive[1] === "fail") failure = readFailure(directive[2] ?? "");
      if (directive[1] === "hang")
        hangsWith = logOf(directive[2] ?? "") ?? "the boot script hangs, as its directive asked";
      if (directive[1] === "silent") silent = true;
      if (directive[1] === "stuck") stuck = true;
      continue;
    }
    url ??= assigned(text, "PROVOST_CALLBACK_URL");
    token ??= assigned(text, "PROVOST_CALLBACK_TOKEN");
  }
  if (silent || url === undefined || token === undefined) return { firstBoot: undefined, stuck, refusal: undefined };
  const refusal = refusalOf(url);
  if (refusal !== undefined) return { firstBoot: undefined, stuck, refusal };
  const firstBoot: FirstBoot = {
    url: copy(url),
    token: copy(token),
    failure,
    hangsWith,
    stage: 0,
    dueMs: 0,
    retries: 0,
    firstTryMs: 0,
  };
  return { firstBoot, stuck, refusal: undefined };
}

/** V8 keeps a part of a string as a view of the whole: without a copy every token would hold its whole script (64 kB). */
function copy(text: string): string {
  return Buffer.from(text).toString();
}

/** Only http and https leave the sandbox (C6): user data must not make it read files or speak other protocols. */
function refusalOf(url: string): string | undefined {
  const protocol = URL.canParse(url) ? new URL(url).protocol : undefined;
  if (protocol === "http:" || protocol === "https:") return undefined;
  return `first-boot: PROVOST_CALLBACK_URL '${url.slice(0, 200)}' is not an http or https URL: nothing will be reported`;
}

/** The value of `NAME='value'`, with or without quotes and `export`; shell's `'\''` inside single quotes is undone. */
function assigned(line: string, name: string): string | undefined {
  const bare = line.startsWith("export ") ? line.slice("export ".length).trimStart() : line;
  if (!bare.startsWith(`${name}=`)) return undefined;
  const value = bare.slice(name.length + 1);
  if (value.length >= 2 && value.startsWith("'") && value.endsWith("'")) {
    return value.slice(1, -1).replaceAll(String.raw`'\''`, "'");
  }
  if (value.length >= 2 && value.startsWith('"') && value.endsWith('"')) return value.slice(1, -1);
  return value;
}

/** `exit=3 log=some text`: both optional, the log is the rest of the line. */
function readFailure(rest: string): ScriptFailure {
  const exit = /\bexit=(\d{1,3})\b/.exec(rest)?.[1];
  return {
    exitCode: exit === undefined ? 1 : Number(exit),
    log: logOf(rest) ?? "the boot script failed, as its directive asked",
  };
}

function logOf(rest: string): string | undefined {
  const log = /\blog=(.*)$/.exec(rest)?.[1];
  return log === undefined ? undefined : copy(log.slice(0, LOG_CHARS_MAX));
}
