import manifest from "../package.json" with { type: "json" };

/** Of the server, as `/v1/health` and the API's document say it. */
export const version: string = manifest.version;
