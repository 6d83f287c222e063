import type { Transporter } from "@provost/jobs";
import { postgres } from "@provost/jobs/postgres";
import { sqlite } from "@provost/jobs/sqlite";

/** By its address: a connection string of PostgreSQL, or the path of an SQLite file. */
export function storeAt(address: string): Transporter {
  return address.startsWith("postgres") ? postgres(address) : sqlite(address);
}
