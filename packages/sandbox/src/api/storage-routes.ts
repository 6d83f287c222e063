import type { FastifyInstance } from "fastify";
import { backupsView, backupView } from "../backups/backup.ts";
import { readRestore, readSnapshotLabel } from "../backups/backup-requests.ts";
import type { Backups } from "../backups/backups.ts";
import type { AccountClock } from "../clock/account-clock.ts";
import { diskLabel, diskView, type Disk } from "../disks/disks.ts";
import { readDiskSize } from "../instances/change-requests.ts";
import type { Cloud } from "../instances/cloud.ts";
import type { InstanceRecord } from "../instances/record.ts";
import type { FilterFields } from "../lists/filter.ts";
import type { CallRequest, CallRoute, CallRunner } from "./call-runner.ts";
import { done, INSTANCES, linodeId, pathNumber } from "./instance-routes.ts";
import { listHandler } from "./list-handler.ts";

interface OwnedDisk {
  record: InstanceRecord;
  disk: Disk;
}

const DISK_FIELDS: FilterFields<OwnedDisk> = {
  label: ({ record, disk }) => diskLabel(record, disk),
  size: ({ disk }) => disk.sizeMb,
};

export interface StorageRouteParts {
  cloud: Cloud;
  backups: Backups;
  time: AccountClock;
}

/** What an instance has on its storage: disks and backups. */
export function storageRoutes(server: FastifyInstance, calls: CallRunner, parts: StorageRouteParts): void {
  const { cloud } = parts;
  const of = (request: CallRequest): InstanceRecord => cloud.get(linodeId(request));
  const disks = `${INSTANCES}/:linodeId/disks`;
  const disk = (request: CallRequest, record: InstanceRecord): Disk =>
    cloud.disk(record, pathNumber(request, "diskId"));
  server.get<CallRoute>(
    disks,
    listHandler(calls, "list", {
      items: (request) => ownedDisks(of(request)),
      fields: DISK_FIELDS,
      view: (owned) => diskView(owned.record, owned.disk),
    }),
  );
  server.get<CallRoute>(
    `${disks}/:diskId`,
    calls.handler("get", (request) => diskView(of(request), disk(request, of(request)))),
  );
  server.post<CallRoute>(
    `${disks}/:diskId/resize`,
    calls.handler("signal", (request) => {
      const record = of(request);
      return done(cloud.resizeDisk(record, disk(request, record), readDiskSize(request.body)));
    }),
  );
  backupRoutes(server, calls, parts, of);
}

function ownedDisks(record: InstanceRecord): OwnedDisk[] {
  return record.disks.map((disk) => ({ record, disk }));
}

function backupRoutes(
  server: FastifyInstance,
  calls: CallRunner,
  { backups, time }: StorageRouteParts,
  of: (request: CallRequest) => InstanceRecord,
): void {
  const all = `${INSTANCES}/:linodeId/backups`;
  server.get<CallRoute>(
    all,
    calls.handler("get", (request) => backupsView(of(request), time.stamp())),
  );
  server.post<CallRoute>(
    all,
    calls.handler("signal", (request) => {
      const record = of(request);
      return backupView(record, backups.snapshot(record, readSnapshotLabel(request.body)));
    }),
  );
  server.post<CallRoute>(
    `${all}/enable`,
    calls.handler("signal", (request) => done(backups.enable(of(request)))),
  );
  server.post<CallRoute>(
    `${all}/cancel`,
    calls.handler("signal", (request) => done(backups.cancel(of(request)))),
  );
  server.get<CallRoute>(
    `${all}/:backupId`,
    calls.handler("get", (request) => {
      const record = of(request);
      return backupView(record, backups.find(record, pathNumber(request, "backupId")));
    }),
  );
  server.post<CallRoute>(
    `${all}/:backupId/restore`,
    calls.handler("signal", (request) =>
      done(backups.restore(of(request), pathNumber(request, "backupId"), readRestore(request.body))),
    ),
  );
}
