import type { DeployRequest } from "@provost/contract";

/** In single quotes where a shell would see more than text. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The same deploy on the command line. Keys and script are files there. */
export function asCli({ name, provider, region, type, image, sshKeys = [], script, tags = [] }: DeployRequest): string {
  const flags: [string, string | undefined][] = [
    ["--provider", provider],
    ["--region", region],
    ["--type", type],
    ["--image", image],
    ...sshKeys.map((_, index): [string, string] => ["--ssh-key", `key-${index + 1}.pub`]),
    ["--script", script === undefined ? undefined : "first-boot.sh"],
    ...tags.map((tag): [string, string] => ["--tag", tag]),
  ];
  const given = flags.flatMap(([flag, value]) =>
    value === undefined || value === "" ? [] : [`${flag} ${quoted(value)}`],
  );
  return [`npx provost deploy ${quoted(name === "" ? "NAME" : name)}`, ...given].join(" \\\n  ");
}

/** The same deploy over HTTP. `url` is the address of the API's instances. */
export function asCurl(request: DeployRequest, url: string): string {
  return [
    `curl -sS ${quoted(url)}`,
    `-H "authorization: Bearer $PROVOST_TOKEN"`,
    `-H 'content-type: application/json'`,
    `-H "idempotency-key: $(uuidgen)"`,
    `-d ${quoted(JSON.stringify(request))}`,
  ].join(" \\\n  ");
}
