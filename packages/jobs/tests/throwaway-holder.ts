// Starts a throwaway server, says where, and waits to be killed: what a test run that dies leaves behind.
import { startThrowawayPostgres } from "../src/testing/postgres.ts";

const { url, folder } = await startThrowawayPostgres();
process.stdout.write(`${url} ${folder}\n`);
setInterval(() => undefined, 60_000);
