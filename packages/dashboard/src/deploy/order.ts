import type { DeployRequest } from "@provost/contract";

/** The form as it stands: everything is text until it is sent. */
export interface Order {
  name: string;
  provider: string;
  region: string;
  type: string;
  image: string;
  sshKeys: string;
  script: string;
  tags: string;
}

export const emptyOrder: Order = {
  name: "",
  provider: "",
  region: "",
  type: "",
  image: "",
  sshKeys: "",
  script: "",
  tags: "",
};

/** 3–40 characters, as the API has it. */
const namePattern = /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/;
const tagPattern = /^[a-z](?:[a-z0-9._:/-]{0,38}[a-z0-9])?$/;
export const nameRule = "3–40 characters: a–z, 0–9 and -, starting with a letter, not ending with -";

export function splitTags(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}

export function requestOf(order: Order): DeployRequest {
  const sshKeys = order.sshKeys
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const tags = splitTags(order.tags);
  return {
    name: order.name.trim(),
    provider: order.provider,
    ...(order.region === "" ? {} : { region: order.region }),
    ...(order.type === "" ? {} : { type: order.type }),
    ...(order.image === "" ? {} : { image: order.image }),
    ...(sshKeys.length === 0 ? {} : { sshKeys }),
    ...(order.script.trim() === "" ? {} : { script: order.script }),
    ...(tags.length === 0 ? {} : { tags }),
  };
}

export type Faults = { [field in keyof Order]?: string };

/** What the server would refuse, told before it is asked. */
export function faultsOf(order: Order): Faults {
  const faults: Faults = {};
  if (!namePattern.test(order.name.trim())) faults.name = nameRule;
  if (order.provider === "") faults.provider = "Choose where it is made";
  const wrongKey = order.sshKeys
    .split("\n")
    .find((line) => line.trim() !== "" && !/^(ssh|ecdsa|sk)-\S+ \S+/.test(line.trim()));
  if (wrongKey !== undefined)
    faults.sshKeys = `"${wrongKey.trim().slice(0, 24)}…" is no public key: one for each line, as in id_ed25519.pub`;
  if (order.script.trim() !== "" && !order.script.startsWith("#!")) {
    faults.script = "It begins with its interpreter line, like #!/bin/sh";
  }
  const wrongTag = splitTags(order.tags).find((tag) => !tagPattern.test(tag));
  if (wrongTag !== undefined)
    faults.tags = `"${wrongTag}" is no tag: a–z, 0–9 and . _ : / - between, starting with a letter`;
  return faults;
}
