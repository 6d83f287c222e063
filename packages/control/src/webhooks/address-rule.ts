import { BlockList, isIP } from "node:net";
import { ProvostError } from "@provost/contract";

type Family = "ipv4" | "ipv6";

/** IPv4 that is nobody's public server: private, loopback, link-local, shared, documentation, benchmarks, multicast, reserved. */
const closedV4 = blockList("ipv4", [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
]);
/** IPv6 is closed but for global unicast: so loopback, link-local, unique local, mapped IPv4 and NAT64 are. */
const globalV6 = blockList("ipv6", [["2000::", 3]]);
/** Of global unicast: what wraps an IPv4 address (Teredo, 6to4), and what is kept for documents. */
const closedV6 = blockList("ipv6", [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
]);

function blockList(family: Family, nets: readonly (readonly [net: string, prefix: number])[]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of nets) list.addSubnet(net, prefix, family);
  return list;
}

/** An address of the public internet: one that no private network can hide behind. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !closedV4.check(address, "ipv4");
  return family === 6 && globalV6.check(address, "ipv6") && !closedV6.check(address, "ipv6");
}

/**
 * Where webhooks may go (C15): over TLS to public addresses; anywhere else, and without TLS, only to the networks that the
 * server's configuration allows.
 */
export class AddressRule {
  readonly #allowed: Record<Family, BlockList> = { ipv4: new BlockList(), ipv6: new BlockList() };

  /** @param allowed addresses and networks, like `10.1.0.0/16` or `::1`. Throws `config_invalid`. */
  constructor(allowed: readonly string[]) {
    for (const each of allowed) this.#allow(each);
  }

  allows(address: string, tls: boolean): boolean {
    const family = isIP(address);
    // Each family has a list of its own: a list of both would take an IPv4 address for its mapped twin.
    if (family === 4 && this.#allowed.ipv4.check(address, "ipv4")) return true;
    if (family === 6 && this.#allowed.ipv6.check(address, "ipv6")) return true;
    return tls && isPublicAddress(address);
  }

  #allow(text: string): void {
    const [net = "", prefix, ...more] = text.split("/");
    const version = isIP(net);
    const bits = version === 4 ? 32 : 128;
    const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (version === 0 || more.length > 0 || !(length <= bits)) {
      throw new ProvostError(
        "config_invalid",
        `PROVOST_WEBHOOK_ALLOW has ${JSON.stringify(text)}, which is no address or network: give some like 10.1.0.0/16,127.0.0.1,fd00::/8.`,
        { field: "PROVOST_WEBHOOK_ALLOW" },
      );
    }
    const family = version === 4 ? "ipv4" : "ipv6";
    this.#allowed[family].addSubnet(net, length, family);
  }
}
