import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

const privateAddresses = new BlockList();
for (const [net, prefix] of [
  ["10.0.0.0", 8],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const) {
  privateAddresses.addSubnet(net, prefix, "ipv4");
}
for (const [net, prefix] of [
  ["::1", 128],
  ["fc00::", 7],
  ["fe80::", 10],
] as const) {
  privateAddresses.addSubnet(net, prefix, "ipv6");
}

/** A host of a URL that is loopback or private as it is written; names are not resolved, save `localhost` (C6). */
export function isPrivateHost(host: string): boolean {
  return isWithin(privateAddresses, host);
}

/** A host of a URL that means the machine itself, whoever's machine that is. */
export function isLoopbackHost(host: string): boolean {
  return isWithin(loopback, host);
}

function isWithin(addresses: BlockList, host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  const family = isIP(bare);
  if (family === 0) return bare === "localhost" || bare.endsWith(".localhost");
  return addresses.check(bare, family === 4 ? "ipv4" : "ipv6");
}
