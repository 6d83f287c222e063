import { ProvostError } from "@provost/contract";
import { isLoopbackHost, isPrivateHost } from "../network.ts";
import type { CallbackAddress } from "../options.ts";

/**
 * The base address that instances of an account will call (C6): the account's own, else the server's. Checked before a
 * deploy, so that no server is paid for that could never report.
 *
 * @throws ProvostError `callback_url_missing`, `callback_url_refused`, and what `check` throws.
 */
export async function callbackBase(
  callback: CallbackAddress,
  account: { name: string; endpoint: string; callbackUrl: string | undefined },
): Promise<string> {
  const address = account.callbackUrl ?? callback.defaultUrl;
  if (address === undefined) {
    throw new ProvostError(
      "callback_url_missing",
      "No address is set that instances could call: set PROVOST_CALLBACK_URL, or callbackUrl of the provider.",
      { field: "callbackUrl" },
    );
  }
  const url = URL.parse(address);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw refused(address, "it is no http or https URL", "give one like https://provost.example.com");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw refused(url.origin, "it carries a credential, query or fragment", "leave those out");
  }
  if (url.protocol === "http:") {
    if (!isPrivateHost(url.hostname)) {
      throw refused(address, "plain HTTP is taken to private addresses only", "use https");
    }
    if (!callback.allowHttp) {
      throw refused(address, "plain HTTP is not allowed here", "use https, or set PROVOST_CALLBACK_ALLOW_HTTP=1");
    }
  }
  if (isLoopbackHost(url.hostname) && !isOnThisMachine(account.endpoint)) {
    throw refused(
      address,
      `for an instance of ${account.name} it means the instance itself`,
      "set PROVOST_CALLBACK_URL, or --callback-url of the provider, to an address of this server that its instances reach",
    );
  }
  const base = address.replace(/\/+$/, "");
  await callback.check(base);
  return base;
}

/** Where one instance reports. */
export function callbackUrl(base: string, instanceId: string): string {
  return `${base}/v1/callbacks/${instanceId}`;
}

/** A cloud whose API is on loopback is a pretend one: its instances are on this machine too. Behind a socket are real ones. */
function isOnThisMachine(endpoint: string): boolean {
  const host = URL.parse(endpoint)?.hostname;
  return host !== undefined && isLoopbackHost(host);
}

function refused(address: string, why: string, way: string): ProvostError {
  return new ProvostError("callback_url_refused", `${address} cannot be the address for callbacks: ${why}; ${way}.`, {
    field: "callbackUrl",
  });
}
