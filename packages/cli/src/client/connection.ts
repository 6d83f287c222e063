import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ProvostError } from "@provost/contract";
import { z } from "zod";
import type { Connection } from "./api.ts";

export interface ConnectionOptions {
  url?: string;
  tokenFile?: string;
  data?: string;
}

const serverInfo = z.object({ url: z.string(), pid: z.number() });

/**
 * Finds the server and the token for it: `--url` with PROVOST_TOKEN or `--token-file`, or what a server on this machine
 * wrote into its data folder. The folder's token is sent to that folder's server and to no other.
 *
 * @throws ProvostError `server_unavailable`, `unauthenticated`, `config_invalid`.
 */
export function findServer(
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>>,
  command: string,
): Connection {
  const folder = resolve(options.data ?? (env["PROVOST_DATA"] || ".provost"));
  const given = options.url ?? (env["PROVOST_URL"] || undefined);
  const local = readInfo(folder);
  const url = given === undefined ? local?.url : checkedUrl(given);
  if (url === undefined) {
    throw new ProvostError(
      "server_unavailable",
      `No server runs on the data folder ${folder}. Start one with \`${command} start\`, or say where it is: --data FOLDER, or --url URL and PROVOST_TOKEN.`,
    );
  }
  const wayOut =
    given === undefined
      ? `Its data folder ${folder} names it, so it has ended: start it again with \`${command} start\`.`
      : "Check --url (PROVOST_URL) and whether it runs.";
  return { url, token: findToken(options, env, url === local?.url ? folder : undefined), wayOut };
}

function findToken(
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>>,
  folder: string | undefined,
): string {
  const token =
    options.tokenFile === undefined
      ? (env["PROVOST_TOKEN"] ?? (folder === undefined ? undefined : read(join(folder, "admin-token"))))
      : (read(options.tokenFile) ?? missing(options.tokenFile));
  if (token !== undefined && /^[\x21-\x7e]+$/.test(token.trim())) return token.trim();
  throw new ProvostError(
    "unauthenticated",
    folder === undefined
      ? "A token is needed. Put one in PROVOST_TOKEN, or name a file that holds one with --token-file; the admin token lies in the file admin-token in the server's data folder."
      : `There is no readable token in ${join(folder, "admin-token")}. Restart the server, which makes a new one, or set PROVOST_TOKEN.`,
  );
}

function missing(file: string): never {
  throw new ProvostError("unauthenticated", `The token file ${file} cannot be read. Name another with --token-file.`, {
    field: "--token-file",
  });
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, "");
  throw new ProvostError("config_invalid", `--url is ${JSON.stringify(text)}: give one like http://127.0.0.1:4510.`, {
    field: "--url",
  });
}

function readInfo(folder: string): { url: string; pid: number } | undefined {
  const text = read(join(folder, "server.json"));
  if (text === undefined) return undefined;
  try {
    return serverInfo.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
