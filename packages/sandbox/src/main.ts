/** The sandbox as a process of its own (C16): see `HELP`, or the README. */
import { HELP, readCommandLine } from "./command-line.ts";
import { SandboxError } from "./errors.ts";
import { type Sandbox, startSandbox } from "./sandbox.ts";

async function main(): Promise<void> {
  const { help, exitWithParent, options } = readCommandLine(process.argv.slice(2), process.env);
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  const end = endOnce();
  // Before the start: a parent that dies meanwhile must not leave an orphan either.
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
  if (process.channel) {
    // A listener for messages keeps the channel referenced: without it `disconnect` would go unnoticed.
    process.on("message", () => {});
    process.on("disconnect", end);
  }
  if (exitWithParent) {
    process.stdin.on("end", end);
    process.stdin.on("close", end);
    process.stdin.on("error", end);
    process.stdin.resume();
  }
  const sandbox = await startSandbox(options);
  end.ready(sandbox);
  process.stdout.write(`${JSON.stringify({ url: sandbox.url })}\n`);
  process.send?.({ url: sandbox.url });
}

interface End {
  (): void;
  /** The sandbox to close; closes it at once when the end has come already. */
  ready(sandbox: Sandbox): void;
}

/** Ends the process once, whoever asks and however often; exits 0 when the state is kept. */
function endOnce(): End {
  let asked = false;
  let sandbox: Sandbox | undefined;
  const close = (): void => {
    if (!asked || sandbox === undefined) return;
    sandbox.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  const end = (): void => {
    if (asked) return;
    asked = true;
    close();
  };
  return Object.assign(end, {
    ready(started: Sandbox): void {
      sandbox = started;
      close();
    },
  });
}

function fail(error: unknown): never {
  const isUsage = error instanceof SandboxError && error.code === "sandbox_option_invalid";
  const text = error instanceof SandboxError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`provost-sandbox: ${text}\n`);
  process.exit(isUsage ? 2 : 1);
}

main().catch(fail);
