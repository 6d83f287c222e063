/** What people see of the last day (L15): minutes, as managers count them; how many jobs there were at their ends; what jobs told. */
export function watchTables(schema: string): string {
  return `
CREATE TABLE ${schema}.minute (minute bigint NOT NULL, manager text NOT NULL, name text NOT NULL, queue text NOT NULL,
  processed integer NOT NULL, failed integer NOT NULL, cancelled integer NOT NULL, retried integer NOT NULL,
  waits text NOT NULL, runs text NOT NULL, PRIMARY KEY (minute, manager, name, queue)) WITH (fillfactor = 70);
CREATE TABLE ${schema}.level (minute bigint PRIMARY KEY, waiting bigint NOT NULL, delayed bigint NOT NULL, queued bigint NOT NULL,
  in_progress bigint NOT NULL);
CREATE TABLE ${schema}.log (job_id bigint NOT NULL, seq bigint NOT NULL, at bigint NOT NULL, fence integer NOT NULL,
  stream text NOT NULL, message text NOT NULL, fields text, PRIMARY KEY (job_id, seq));
ALTER TABLE ${schema}.manager ADD COLUMN facts text, ADD COLUMN asked text NOT NULL DEFAULT 'run';
`;
}
