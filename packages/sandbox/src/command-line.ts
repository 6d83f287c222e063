import { parseArgs } from "node:util";
import { type FaultSpec, readFaultSpec } from "./api/fault-spec.ts";
import type { RangeMs } from "./clock/random.ts";
import { SandboxError } from "./errors.ts";
import type { SandboxOptions } from "./options.ts";

export const HELP = `A pretend cloud that speaks Linode API v4.

Usage: provost-sandbox [options]

  --port PORT          listen on PORT; 0, the default, takes a free one
  --host HOST          listen on HOST (127.0.0.1)
  --token TOKEN        bearer token to let in, can be repeated; better in PROVOST_SANDBOX_TOKEN
  --state FILE         keep the account in FILE; without it, in memory
  --boot-ms MS|MIN-MAX from an accepted create to ready (2000-4000)
  --create-ms MS|MIN-MAX  latency of creates (300-700)
  --fast               no latency, boots in some 20 ms: for tests
  --no-rate-limits     no rate limits
  --rate-scale N       N times Linode's rate limits
  --instance-limit N   instances the account may have (200000)
  --fault FAULT        a fault from the start, can be repeated: a kind, then KEY=VALUE, all parted by commas, as
                       rate_limit,probability=0.1,for_ms=60000 (the README has kinds and keys)
  --populate N         N running instances from the start of an empty account
  --clock-offset-ms MS how far the account's clock is ahead, negative for behind (0)
  --seed N             seed of all randomness (1)
  --exit-with-parent   end when standard input closes
  --help               this text

Prints one line of JSON, {"url":"http://..."}, when it listens. Ends on SIGINT, SIGTERM, and, when it was started with
an IPC channel, when that closes. Exit codes: 0 ended as asked, 1 could not start, 2 wrong usage.
`;

export interface CommandLine {
  help: boolean;
  exitWithParent: boolean;
  options: SandboxOptions;
}

/** Reads flags and PROVOST_SANDBOX_TOKEN. Throws `sandbox_option_invalid`. */
export function readCommandLine(args: readonly string[], env: Readonly<NodeJS.ProcessEnv>): CommandLine {
  const flags = parse(args);
  const fromEnv = env["PROVOST_SANDBOX_TOKEN"];
  const tokens = [...(flags.token ?? []), ...(fromEnv ? [fromEnv] : [])];
  if (tokens.length === 0 && !flags.help) {
    throw new SandboxError("sandbox_option_invalid", "no token: set PROVOST_SANDBOX_TOKEN or give --token");
  }
  const createMs = readRange("--create-ms", flags["create-ms"]);
  const bootMs = readRange("--boot-ms", flags["boot-ms"]);
  const port = readNumber("--port", flags.port);
  const scale = readNumber("--rate-scale", flags["rate-scale"]);
  const instanceLimit = readNumber("--instance-limit", flags["instance-limit"]);
  const seed = readNumber("--seed", flags.seed);
  const count = readNumber("--populate", flags.populate);
  const clockOffsetMs = readNumber("--clock-offset-ms", flags["clock-offset-ms"]);
  return {
    help: flags.help ?? false,
    exitWithParent: flags["exit-with-parent"] ?? false,
    options: {
      tokens,
      fast: flags.fast ?? false,
      ...(flags.host === undefined ? {} : { host: flags.host }),
      ...(flags.state === undefined ? {} : { stateFile: flags.state }),
      ...(port === undefined ? {} : { port }),
      ...(bootMs === undefined ? {} : { bootMs }),
      ...(createMs === undefined ? {} : { latency: latencyWith(createMs, flags.fast ?? false) }),
      ...(scale === undefined ? {} : { rateLimits: { scale } }),
      ...(flags["no-rate-limits"] ? { rateLimits: false } : {}),
      ...(instanceLimit === undefined ? {} : { instanceLimit }),
      ...(flags.fault === undefined ? {} : { faults: flags.fault.map(readFault) }),
      ...(count === undefined ? {} : { populate: { count } }),
      ...(clockOffsetMs === undefined ? {} : { clockOffsetMs }),
      ...(seed === undefined ? {} : { seed }),
    },
  };
}

function latencyWith(create: RangeMs, fast: boolean): NonNullable<SandboxOptions["latency"]> {
  const none: RangeMs = [0, 0];
  if (!fast) return { create };
  return { create, get: none, list: none, list_images: none, signal: none, update: none, delete: none };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: "string" },
        host: { type: "string" },
        token: { type: "string", multiple: true },
        state: { type: "string" },
        "boot-ms": { type: "string" },
        "create-ms": { type: "string" },
        fast: { type: "boolean" },
        "no-rate-limits": { type: "boolean" },
        "rate-scale": { type: "string" },
        "instance-limit": { type: "string" },
        fault: { type: "string", multiple: true },
        populate: { type: "string" },
        "clock-offset-ms": { type: "string" },
        seed: { type: "string" },
        "exit-with-parent": { type: "boolean" },
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SandboxError("sandbox_option_invalid", `${reason} (see --help)`, { cause: error });
  }
}

/** `kind,key=value,...` as the body of `POST /sandbox/faults`, where its kind and values are checked. */
function readFault(text: string): FaultSpec {
  const [kind, ...pairs] = text.split(",");
  const fields: Record<string, unknown> = { kind };
  for (const pair of pairs) {
    const [key, value] = pair.split("=", 2);
    if (key === undefined || value === undefined) {
      throw new SandboxError("sandbox_option_invalid", `--fault ${text}: use KIND,KEY=VALUE,...`);
    }
    fields[key] = /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  }
  return readFaultSpec(fields);
}

function readNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new SandboxError("sandbox_option_invalid", `${flag} ${text}: use a number`);
}

function readRange(flag: string, text: string | undefined): RangeMs | undefined {
  if (text === undefined) return undefined;
  const [, min, max] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (min === undefined) {
    throw new SandboxError("sandbox_option_invalid", `${flag} ${text}: use milliseconds, as 500 or 300-700`);
  }
  return [Number(min), Number(max ?? min)];
}
