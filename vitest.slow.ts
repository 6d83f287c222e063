/**
 * Tests of many real processes, threads and packed packages: minutes, not seconds. `npm test` leaves them out so that it
 * stays quick; `npm run test:slow` runs them.
 */
export const slowTests = [
  "packages/jobs/tests/processes/**",
  "packages/jobs/tests/memory/**",
  "packages/jobs/tests/manager/manager.schedules*.test.ts",
  "packages/jobs/tests/manager/manager.leader.test.ts",
  "packages/jobs/tests/manager/manager.sight*.test.ts",
  "packages/jobs/tests/manager/manager.queues.test.ts",
  "packages/jobs/tests/testing/**",
  "packages/sandbox/tests/scale/**",
  "packages/jobs/src/transporters/postgres/connections.test.ts",
  "packages/jobs/src/transporters/postgres/concurrency.test.ts",
  "packages/jobs/src/transporters/postgres/pooler.test.ts",
  "packages/control/tests/kill.test.ts",
  "packages/control/tests/outage.test.ts",
  "packages/control/tests/webhooks.test.ts",
  "packages/control/tests/fleets.test.ts",
  "packages/control/tests/orphans.test.ts",
  "packages/control/tests/readings.test.ts",
  "packages/control/tests/sweeps.test.ts",
  "packages/control/tests/task-answers.test.ts",
  "packages/control/tests/task-kill.test.ts",
  "packages/control/tests/task-failures.test.ts",
  "packages/cli/tests/access.test.ts",
  "packages/cli/tests/doors.test.ts",
  "packages/cli/tests/start.test.ts",
  "packages/cli/tests/instances.test.ts",
  "tests/packaging/**",
  "tests/docs/**",
];
