export { type Sandbox, startSandbox } from "./sandbox.ts";
export type { SandboxOptions } from "./options.ts";
export type { SandboxStats } from "./stats.ts";
export type { FaultKind, FaultSpec, FaultView } from "./api/faults.ts";
export type { CallKind } from "./api/call-kind.ts";
export type { Clock } from "./clock/clock.ts";
export type { RangeMs } from "./clock/random.ts";
export { SandboxError, type SandboxErrorCode } from "./errors.ts";
