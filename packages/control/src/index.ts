export { Control } from "./control.ts";
export { defaultTimings, type CallbackAddress, type ControlOptions, type Log, type Timings } from "./options.ts";
export type { Act } from "./access/acting.ts";
export type {
  AuditDoor,
  AuditQuery,
  CallbackDoor,
  DeliveryQuery,
  ControlSurface,
  DriverView,
  FleetDoor,
  ImageDoor,
  InstanceDoor,
  AdoptionDoor,
  InstanceLog,
  JobDoor,
  OpenedSession,
  OrphanDoor,
  ProcessDoor,
  ProviderDoor,
  QueueDoor,
  ScheduleDoor,
  SessionDoor,
  SessionHolder,
  TaskDoor,
  TokenDoor,
  TokenHolder,
  WebhookDoor,
} from "./surface.ts";
