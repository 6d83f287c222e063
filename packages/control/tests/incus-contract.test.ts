import { existsSync } from "node:fs";
import { describe, test } from "vitest";
import { defaultSocket, incusProvider } from "../src/providers/incus/driver.ts";
import type { Provider } from "../src/providers/provider.ts";
import { providerSuite } from "../src/providers/testing/provider.testsuite.ts";

/** What `npm run e2e:lxd` prepares. */
const socket = process.env["PROVOST_LXD_SOCKET"] ?? defaultSocket();
const image = "provost-golden-debian";
const profile = "provost-e2e";

function driver(): Provider {
  return incusProvider({ socket, profiles: [profile], requestTimeoutMs: 30_000 });
}

/** Why the suite cannot run here; undefined when it can. */
async function missing(): Promise<string | undefined> {
  if (!existsSync(socket)) return `no Incus or LXD daemon at ${socket}`;
  const provider = driver();
  try {
    const images = await provider.images({});
    return images.some(({ id }) => id === image) ? undefined : `no image ${image}: npm run e2e:lxd makes it`;
  } catch (error) {
    return String(error);
  } finally {
    await provider.close();
  }
}

const reason = await missing();
if (reason === undefined) {
  providerSuite("Incus or LXD, real containers", async () => ({
    provider: driver(),
    choice: { region: (await driver().regions({}))[0]?.id ?? "local", type: "c1-512mb", image },
    stateMsMax: 60_000,
    dispose: async () => {},
  }));
} else {
  describe("provider contract: Incus or LXD", () => {
    test.skip(reason, () => {});
  });
}
