import { providerName, rootPassword } from "../ids.ts";
import type { DeployPlan } from "./deploy-plan.ts";
import type { Secrets } from "./secrets.ts";

/** What is asked for: an instance of a user's, or an image's builder. */
export interface Requested {
  id: string;
  /** Of its callback token. */
  nonce: string;
  name: string;
  /** What it is called at the provider, its id behind it; the name, when this is not given. */
  nameThere?: string;
  provider: string;
  plan: DeployPlan;
  tags?: readonly string[];
  sshKeys?: readonly string[];
  script?: string | undefined;
  callbackUrl: string;
  /** The account's provider demands one (C2). */
  rootPassword: boolean;
  /** Of which image it is the builder. */
  builderOf?: string;
  now: number;
}

/** The row of an instance that nobody has asked the provider for yet; its secrets are sealed, its flow is still to come. */
export function requestedRow(asked: Requested, secrets: Secrets) {
  const { id, name, plan, script, nameThere = name, tags = [], sshKeys = [] } = asked;
  return {
    id,
    name,
    provider: asked.provider,
    provider_name: providerName(nameThere, id),
    builder_of: asked.builderOf ?? null,
    region: plan.region,
    type: plan.type,
    image: plan.image,
    monthly_usd: plan.monthlyUsd ?? null,
    hourly_usd: plan.hourlyUsd ?? null,
    tags: JSON.stringify(tags),
    ssh_keys: JSON.stringify(sshKeys),
    script: script === undefined ? null : secrets.sealScript(id, script),
    callback_url: asked.callbackUrl,
    status: "requested" as const,
    desired: "running" as const,
    task: "deploy" as const,
    create_attempt: 0,
    create_open: 0,
    ipv4: "[]",
    ipv6: "[]",
    stage: 0,
    token_nonce: asked.nonce,
    root_password: asked.rootPassword ? secrets.sealRootPassword(id, rootPassword()) : null,
    root_password_state: asked.rootPassword ? ("sealed" as const) : ("none" as const),
    created_at: asked.now,
  };
}
