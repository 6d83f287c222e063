export { Control } from "./control.ts";
export { defaultTimings, type CallbackAddress, type ControlOptions, type Log, type Timings } from "./options.ts";
export type {
  CallbackDoor,
  ControlSurface,
  DriverView,
  InstanceDoor,
  InstanceLog,
  ProviderDoor,
  TokenDoor,
  TokenRole,
} from "./surface.ts";
