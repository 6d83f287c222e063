/** What an isolated process runs: TypeScript in a checkout (type stripping), what was built in an installed package. */
export const entryUrl = new URL(import.meta.url.endsWith(".ts") ? "./entry.ts" : "./entry.js", import.meta.url);
