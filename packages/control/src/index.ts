export { Control } from "./control.ts";
export { defaultTimings, type CallbackAddress, type ControlOptions, type Log, type Timings } from "./options.ts";
export type { Act } from "./access/acting.ts";
export type {
  AuditDoor,
  AuditQuery,
  CallbackDoor,
  ChangeTail,
  DeliveryQuery,
  ControlSurface,
  DriverView,
  FleetDoor,
  ImageDoor,
  InstanceDoor,
  AdoptionDoor,
  InstanceLog,
  LiveDoor,
  OpenedSession,
  OrphanDoor,
  ProviderDoor,
  SessionDoor,
  SessionHolder,
  TaskDoor,
  TokenDoor,
  TokenHolder,
  WatchedTopic,
  WebhookDoor,
} from "./surface.ts";
