import { functionSettings } from "./tables.ts";

/**
 * Low-water marks. A claim takes the first entries of `ready_order` and leaves them dead behind it; while some transaction
 * keeps a snapshot nothing may clear them away, and each claim would walk over all of them: 27,000 jobs/s became 12,000 within 300,000 jobs
 * (FACTS.md). So a Transporter remembers, for each priority and number of attempts, an id below which nothing is left, and
 * its claims begin there (`../low-water.ts`).
 *
 * What may be below a mark is known exactly, by any number of hosts that know nothing of one another's marks:
 *
 * - `late` rows, which came back from anything but their enqueue. Their own small index finds those below a mark, in
 *   their place of the order (L1). The rest of the order is one index, with them in it.
 * - Nothing else. A mark is at most the first row that a snapshot still sees: one that another's open claim holds is seen, and so
 *   is one whose claim rolled back. And it is never above an id that an open enqueue may have drawn: `bound` is the last one drawn,
 *   `writers` who had the road open for writing then (an enqueue has, before it draws); when the last of them is gone, what they
 *   brought is seen by the next statement. An enqueue that stays open for hours keeps the marks where they are, no more. (A prepared
 *   transaction goes by another name than it had while it ran, but none can be of one that has sent a hint.)
 */
export function lowWaterFunctions(schema: string): string {
  return `
CREATE FUNCTION ${schema}.low_water(p_queue text, p_lane text, p_rank smallint, p_used smallint, p_mark bigint, p_bound bigint,
  p_writers text[], OUT mark bigint, OUT bound bigint, OUT writers text[]) LANGUAGE plpgsql ${functionSettings} AS $$
BEGIN
  -- Drawn first, looked for afterwards: who draws later draws higher.
  SELECT s.last_value INTO bound FROM ${schema}.id s;
  writers := ARRAY(SELECT l.virtualtransaction FROM pg_locks l WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock'
    AND l.relation = '${schema}.ready'::regclass AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()));
  mark := p_mark;
  IF p_bound IS NULL THEN RETURN; END IF;
  IF writers && p_writers THEN
    bound := p_bound;
    writers := p_writers;
    RETURN;
  END IF;
  mark := greatest(p_mark, least(p_bound + 1, (SELECT a.id FROM ${schema}.ready a WHERE a.queue = p_queue AND a.lane = p_lane
    AND a.rank = p_rank AND a.used = p_used AND a.id >= p_mark ORDER BY a.rank, a.used, a.id LIMIT 1)));
END $$;
`;
}
