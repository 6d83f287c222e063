import { claimColumns, type ClaimRow } from "../rows.ts";

/** As the ready jobs' index has it (`hold-schema.ts`): said again in every statement that walks it. */
export const isReady = "j.status = 'queued' AND j.parked <> j.version AND j.directed IS NULL AND j.held_at IS NULL";

export const readyColumns = `${claimColumns}, j.limit_key`;

export type ReadyRow = ClaimRow & { limit_key: string | null };
