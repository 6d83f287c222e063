export * from "./access.ts";
export * from "./answers.ts";
export * from "./audit.ts";
export { parseDuration } from "./duration.ts";
export { errorKinds, exitCodes, ProvostError, type ErrorCode } from "./errors.ts";
export { failureKinds, type FailureCode } from "./failures.ts";
export * from "./images.ts";
export * from "./schemas.ts";
export * from "./webhooks.ts";
