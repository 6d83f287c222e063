/**
 * Where those who listen for ready jobs are rung (`ears.ts`). Like the host's signature it is signed now and then: who was killed is
 * forgotten after a while.
 */
export const earSchema = `
CREATE TABLE jobs_ear (address TEXT PRIMARY KEY, seen_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;
