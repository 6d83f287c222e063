export { JobsError, jobsErrorCodes, type JobsErrorCode } from "./core/errors.ts";
export type * from "./core/job.ts";
export { defaults, limits } from "./core/limits.ts";
export type * from "./transporters/transporter.ts";
