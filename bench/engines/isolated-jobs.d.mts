import type { JobDefinition } from "@provost/jobs";
import type { Payload } from "../engine.ts";

export declare const inThread: JobDefinition<Payload, void>;
export declare const inProcess: JobDefinition<Payload, void>;
