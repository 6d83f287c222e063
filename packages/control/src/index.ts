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
  OrphanDoor,
  ProcessDoor,
  ProviderDoor,
  QueueDoor,
  ScheduleDoor,
  TaskDoor,
  TokenDoor,
  TokenHolder,
  WebhookDoor,
} from "./surface.ts";
