import { isIP } from "node:net";
import { parseDuration, ProvostError } from "@provost/contract";

/** Each reader throws `config_invalid` with the variable's name, the value and what is accepted. */

export const levels = ["fatal", "error", "warn", "info", "debug", "trace"] as const;
export type Level = (typeof levels)[number];

/** Least and most of a duration, as written. */
type Bounds = readonly [least: string, most: string];
const waiting: Bounds = ["10ms", "30d"];
/** Of schedules. */
export const ticks: Bounds = ["100ms", "1d"];
/** Of what is kept to be read later. */
export const retention: Bounds = ["1d", "3660d"];

export function invalid(variable: string, shown: string, wayOut: string): ProvostError {
  return new ProvostError("config_invalid", `${variable} is ${shown}: ${wayOut}.`, { field: variable });
}

export function quoted(value: string): string {
  return JSON.stringify(value.length > 120 ? `${value.slice(0, 120)}…` : value);
}

export function readPort(variable: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (!(port <= 65_535)) throw invalid(variable, quoted(value), "give a port from 1 to 65535, or 0 for a free one");
  return port;
}

export function readAddress(variable: string, value: string | undefined): { host: string; port: number } | undefined {
  if (value === undefined) return undefined;
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(value);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65_535)) {
    throw invalid(variable, quoted(value), "give an address and a port, like 10.0.0.1:4511 or [fd00::1]:4511");
  }
  return { host, port };
}

export function readUrl(variable: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const url = URL.parse(value);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw invalid(variable, quoted(value), "give a URL like https://provost.example.com");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw invalid(
      variable,
      quoted(`${url.protocol}//${url.host}${url.pathname}`),
      "give it without user, password, ? or #",
    );
  }
  return url.href.replace(/\/+$/, "");
}

/** Without a slash at its end; empty for none. */
export function readBasePath(variable: string, value: string | undefined): string {
  const path = (value ?? "").replace(/\/+$/, "");
  if (path === "" || /^(?:\/[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,8}$/.test(path)) return path;
  throw invalid(variable, quoted(path), "give a path like /provost, of letters, digits and . _ ~ -");
}

/** Addresses, and networks like 10.0.0.0/8. */
export function readNetworks(variable: string, value: string | undefined): string[] {
  return readList(value).map((each) => {
    const [address = "", bits, ...more] = each.split("/");
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    if (family !== 0 && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most))) {
      return each;
    }
    throw invalid(variable, quoted(each), "give addresses and networks between commas, like 127.0.0.1,10.0.0.0/8");
  });
}

export function readFlag(variable: string, value: string | undefined): boolean {
  if (value === undefined || value === "0" || value === "false") return false;
  if (value === "1" || value === "true") return true;
  throw invalid(variable, quoted(value), "give 1 or 0");
}

/** Parts between commas; what they must be is checked by whoever uses them. */
export function readList(value: string | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

export function readDuration(
  variable: string,
  value: string | undefined,
  [least, most]: Bounds = waiting,
): number | undefined {
  if (value === undefined) return undefined;
  const ms = parseDuration(value);
  if (ms === undefined || ms < (parseDuration(least) ?? 0) || ms > (parseDuration(most) ?? 0)) {
    throw invalid(variable, quoted(value), `give a duration from ${least} to ${most}, like 30s, 15m, 2h or 90d`);
  }
  return ms;
}

export function readLevel(variable: string, value: string | undefined): Level {
  if (value === undefined) return "info";
  const level = levels.find((each) => each === value.toLowerCase());
  if (level === undefined) throw invalid(variable, quoted(value), `give one of ${levels.join(", ")}`);
  return level;
}

/** The value is a secret: an error says its length only. */
export function readSecretKey(variable: string, value: string | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined;
  if (/^[0-9a-fA-F]{64}$/.test(value)) return Buffer.from(value, "hex");
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(value)) return Buffer.from(value, "base64");
  throw invalid(
    variable,
    `${value.length} characters that are no key`,
    "give 32 bytes as 64 hex digits or 44 characters of base64 (`openssl rand -hex 32`)",
  );
}
