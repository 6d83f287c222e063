import type { TestProject } from "vitest/node";
import { ensureEnvironment } from "./daemon.ts";
import { ensureGoldenImage } from "./image.ts";

/** Once for a run: a real daemon, and the golden image of this checkout's recipe. */
export default async function setup(project: TestProject): Promise<void> {
  const { socket, bridgeAddress, profile } = await ensureEnvironment();
  project.provide("socket", socket);
  project.provide("bridgeAddress", bridgeAddress);
  project.provide("profile", profile);
  project.provide("image", await ensureGoldenImage(socket));
}
