import type { Call, CreateSpec, ProviderInstance } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { GRACE_S, type AcceptedOperation, type IncusApi } from "./api.ts";
import { resolveImage } from "./catalog.ts";
import { DAILY_SNAPSHOTS, IMAGE, LOCAL_REGION, OWNER_DEPLOYMENT, OWNER_INSTANCE, TYPE } from "./instance.ts";
import { limitsOf } from "./instance-types.ts";

/**
 * SSH keys reach the instance within the user data (boot/ renders them into it): without user data `spec.sshKeys` has no
 * way in, since Incus has no such field.
 */
export async function createInstance(
  api: IncusApi,
  profiles: readonly string[],
  spec: CreateSpec,
  call: Call,
): Promise<ProviderInstance> {
  const limits = limitsOf(spec.type);
  const image = await resolveImage(api, spec.image, call);
  const accepted = await api.change(
    {
      method: "POST",
      path: "/1.0/instances",
      ...(spec.region === LOCAL_REGION ? {} : { query: { target: spec.region } }),
      body: {
        name: spec.name,
        type: image.type,
        profiles,
        config: configOf(spec, limits),
        source: { type: "image", fingerprint: image.fingerprint },
      },
    },
    call,
  );
  const made = await settledCreate(api, accepted, spec.name, call);
  return {
    id: spec.name,
    name: spec.name,
    owner: { ...spec.owner },
    status: made ? "stopped" : "creating",
    statusText: made ? "Stopped" : "Creating instance",
    region: spec.region,
    type: spec.type,
    image: spec.image,
    ipv4: [],
    ipv6: [],
    backups: spec.backups,
  };
}

async function settledCreate(
  api: IncusApi,
  accepted: AcceptedOperation | undefined,
  name: string,
  call: Call,
): Promise<boolean> {
  try {
    return await api.settled(accepted, GRACE_S, call);
  } catch (error) {
    // Two creates of one name at once: the second finds the first one's operation instead of its record.
    if (error instanceof ProviderError && error.code === "provider_busy") {
      throw new ProviderError({
        code: "provider_name_taken",
        effect: "none",
        message: `the name '${name}' is being taken by another create; choose another name`,
        providerMessage: error.providerMessage,
        providerRequestId: error.providerRequestId,
        cause: error,
      });
    }
    throw error;
  }
}

function configOf(spec: CreateSpec, limits: Record<string, string>): Record<string, string> {
  return {
    ...limits,
    [OWNER_DEPLOYMENT]: spec.owner.deployment,
    [OWNER_INSTANCE]: spec.owner.instance,
    [TYPE]: spec.type,
    [IMAGE]: spec.image,
    ...(spec.userData === undefined ? {} : { "cloud-init.user-data": spec.userData }),
    ...(spec.backups ? DAILY_SNAPSHOTS : {}),
  };
}
