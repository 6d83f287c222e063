/**
 * Tables of L12. A ticket is a row: a waiter while it has no fence, a holder when it has one. `place` is its place in the line of
 * its semaphore. A semaphore that nobody holds or waits for has no rows at all: places and fences come from one counter of the store, which
 * never goes back.
 */
export const permitsSchema = `
CREATE TABLE jobs_permit (
  ticket TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  place INTEGER NOT NULL,
  permits INTEGER NOT NULL,
  fence INTEGER,
  lease_until INTEGER NOT NULL,
  host TEXT NOT NULL,
  process TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_permit_line ON jobs_permit (name, place, fence, lease_until, permits);

CREATE TABLE jobs_memory (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

INSERT INTO jobs_counter (name, value) VALUES ('permit', 0);
`;
