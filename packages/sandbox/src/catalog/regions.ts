/** A data centre as `GET /v4/regions` shows it. */
export interface LinodeRegion {
  id: string;
  label: string;
  country: string;
  capabilities: string[];
  status: "ok" | "outage";
  "site-type": "core" | "distributed";
  resolvers: { ipv4: string; ipv6: string };
  placement_group_limits: { maximum_pgs_per_customer: number | null; maximum_linodes_per_pg: number };
}

const CITIES: readonly (readonly [id: string, label: string, country: string])[] = [
  ["us-east", "Newark, NJ, USA", "us"],
  ["us-central", "Dallas, TX, USA", "us"],
  ["us-west", "Fremont, CA, USA", "us"],
  ["us-ord", "Chicago, IL, USA", "us"],
  ["ca-central", "Toronto, ON, CA", "ca"],
  ["br-gru", "Sao Paulo, BR", "br"],
  ["eu-west", "London, England, UK", "gb"],
  ["eu-central", "Frankfurt, DE", "de"],
  ["nl-ams", "Amsterdam, NL", "nl"],
  ["se-sto", "Stockholm, SE", "se"],
  ["ap-south", "Singapore, SG", "sg"],
  ["jp-osa", "Osaka, JP", "jp"],
];

export const LINODE_REGIONS: readonly LinodeRegion[] = CITIES.map(([id, label, country], index) => ({
  id,
  label,
  country,
  capabilities: ["Linodes", "Backups", "NodeBalancers", "Block Storage", "Cloud Firewall", "Metadata"],
  status: "ok",
  "site-type": "core",
  // Documentation ranges (RFC 5737, RFC 3849): nothing real is ever named.
  resolvers: { ipv4: `192.0.2.${index + 1}`, ipv6: `2001:db8:53::${(index + 1).toString(16)}` },
  placement_group_limits: { maximum_pgs_per_customer: 100, maximum_linodes_per_pg: 5 },
}));
