/** Networks reserved for documentation (RFC 5737): an address of the sandbox never belongs to somebody. */
const DOCUMENTATION_NETWORKS = ["203.0.113", "198.51.100", "192.0.2"] as const;
const HOSTS_PER_NETWORK = 254;
const DOCUMENTATION_ADDRESSES = DOCUMENTATION_NETWORKS.length * HOSTS_PER_NETWORK;

/** The public IPv4 address of an index: 762 from the documentation networks, then 10.64.0.0/10 upwards, 4 million. */
export function ipv4Of(index: number): string {
  if (index < DOCUMENTATION_ADDRESSES) {
    const network = DOCUMENTATION_NETWORKS[Math.floor(index / HOSTS_PER_NETWORK)];
    return `${network}.${(index % HOSTS_PER_NETWORK) + 1}`;
  }
  const beyond = index - DOCUMENTATION_ADDRESSES;
  const network = Math.floor(beyond / HOSTS_PER_NETWORK);
  return `10.${64 + Math.floor(network / 256)}.${network % 256}.${(beyond % HOSTS_PER_NETWORK) + 1}`;
}

/** The private address of an instance that asked for one, in 192.168.128.0/17 as Linode's are; repeats after 32,512. */
export function privateIpv4Of(index: number): string {
  return `192.168.${128 + (Math.floor(index / HOSTS_PER_NETWORK) % 128)}.${(index % HOSTS_PER_NETWORK) + 1}`;
}

/** The SLAAC address that goes with an instance's id, in 2001:db8::/32 (RFC 3849). */
export function ipv6Of(id: number): string {
  const high = Math.floor(id / 0x1_0000) & 0xffff;
  return `2001:db8::f03c:${high.toString(16)}:${(id & 0xffff).toString(16)}/128`;
}

/** Gives out address indexes, those given back before new ones. */
export class AddressPool {
  #next = 0;
  readonly #free: number[] = [];

  take(): number {
    return this.#free.pop() ?? this.#next++;
  }

  giveBack(index: number): void {
    this.#free.push(index);
  }

  /** After a restart: these are held, every other one below the highest is free. */
  restore(held: ReadonlySet<number>): void {
    for (const index of held) this.#next = Math.max(this.#next, index + 1);
    for (let index = this.#next - 1; index >= 0; index--) if (!held.has(index)) this.#free.push(index);
  }
}
