export { Fixture, type TransporterSuite, type TransporterUnderTest } from "./fixture.ts";
export { transporterSuite } from "./transporter.testsuite.ts";
export { postgresMissing, startThrowawayPostgres, type ThrowawayPostgres } from "./postgres.ts";
