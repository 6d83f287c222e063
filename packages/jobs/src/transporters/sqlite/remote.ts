import type { RemoteRenewal } from "../transporter.ts";
import type { RenewerOptions } from "./renewer.ts";

/** In a checkout a thread runs it from TypeScript, in an installed package from what was built. */
const renewerUrl = new URL(import.meta.url.endsWith(".ts") ? "./renewer.ts" : "./renewer.js", import.meta.url);

/** How the lease thread opens its own way to a file (L9). */
export function remoteOf(options: RenewerOptions): RemoteRenewal {
  return { module: renewerUrl.href, options };
}
