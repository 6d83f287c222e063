/** Wakes all keys that it is sent within a transaction, tells how many jobs that met, and never commits: it is killed. */
import { JobManager } from "@provost/jobs";
import { ProofError } from "../proof.ts";
import { storeAt } from "../store-at.ts";

const [address = ""] = process.argv.slice(2);
const transporter = storeAt(address);
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
await transporter.start();
const manager = new JobManager({ transporter });
process.once("message", (keys: string[]) => void wake(keys));
process.send?.("ready");

async function wake(keys: string[]): Promise<void> {
  const { sql } = transporter;
  if (sql === undefined) throw new ProofError("not_ended", "the store takes no transaction of the caller's");
  await sql.transaction(async (tx) => {
    const met = await manager.wake(keys, { tx });
    process.send?.(met);
    await new Promise<never>(() => undefined);
  });
}
