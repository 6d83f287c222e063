import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { renderBootScript } from "../../packages/control/src/boot/boot-script.ts";
import type { CreateSpec, Provider } from "../../packages/control/src/providers/provider.ts";
import { providerSuite } from "../../packages/control/src/providers/testing/provider.testsuite.ts";
import { incusProvider } from "../../packages/control/src/providers/incus/driver.ts";

/** The driver and the boot script against the real daemon (C17): real containers of the golden image, a real first boot. */

const SOCKET = inject("socket");
const PROFILE = inject("profile");
const IMAGE = inject("image");
const bridgeAddress = inject("bridgeAddress");
const TOKEN = "cb_real-0123456789";
const DEPLOYMENT = `d-test-${process.pid}`;

/** A script after which each further boot, when its first-boot service has had its turn, tells so. */
const BEAT = `cat > /etc/systemd/system/beat.service << 'EOF'
[Unit]
After=provost-first-boot.service
[Service]
Type=oneshot
ExecStart=/usr/bin/curl --silent --retry 60 --retry-delay 1 --retry-all-errors --data '{"stage":"beat"}' URL
[Install]
WantedBy=multi-user.target
EOF
systemctl enable beat.service
`;

providerSuite("Incus or LXD, the real daemon", () =>
  Promise.resolve({
    provider: incusProvider({ socket: SOCKET, profiles: [PROFILE] }),
    choice: { region: "local", type: "c1-512mb", image: IMAGE },
    otherType: "c1-1gb",
    stateMsMax: 60_000,
    dispose: () => Promise.resolve(),
  }),
);

interface Report {
  instance: string;
  authorization: string | undefined;
  body: { stage: string; step?: string; exit_code?: number; log?: string };
}

describe("on a real daemon", { timeout: 120_000 }, () => {
  const reports: Report[] = [];
  const names: string[] = [];
  let provider: Provider;
  let server: Server;
  let port = 0;

  beforeAll(async () => {
    provider = incusProvider({ socket: SOCKET, profiles: [PROFILE] });
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.once("end", () => {
        const instance = request.url?.split("/").at(-1) ?? "";
        reports.push({ instance, authorization: request.headers.authorization, body: JSON.parse(body) });
        response.end("{}");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, bridgeAddress, resolve));
    const address = server.address();
    port = typeof address === "object" && address !== null ? address.port : 0;
  });

  afterAll(async () => {
    for (const name of names) {
      await provider.destroy(name, {});
      await vi.waitUntil(async () => (await provider.get(name, {})) === undefined, { timeout: 60_000, interval: 200 });
    }
    await provider.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }, 120_000);

  function specOf(kind: string, script: string): CreateSpec {
    const name = `t-${process.pid}-${kind}`;
    names.push(name);
    return {
      name,
      owner: { deployment: DEPLOYMENT, instance: name },
      region: "local",
      type: "c1-512mb",
      image: IMAGE,
      sshKeys: [],
      backups: true,
      userData: renderBootScript({
        instanceId: name,
        callbackUrl: `http://${bridgeAddress}:${port}/v1/callbacks/${name}`,
        token: TOKEN,
        sshKeys: ["ssh-ed25519 AAAA test"],
        script,
        userDataBytesMax: provider.capabilities.userDataBytesMax,
      }),
    };
  }

  const stagesOf = (name: string) => reports.filter(({ instance }) => instance === name).map(({ body }) => body.stage);
  const statusOf = async (name: string) => (await provider.get(name, {}))?.status;

  async function until(name: string, status: string): Promise<void> {
    await vi.waitUntil(async () => (await statusOf(name)) === status, { timeout: 60_000, interval: 50 });
  }

  async function createAndBoot(spec: CreateSpec): Promise<void> {
    await provider.create(spec, {});
    await until(spec.name, "stopped");
    await provider.boot(spec.name, {});
  }

  test("C2 C6 C17 create, boot, callbacks up to ready; a reboot runs nothing again; destroy ends it", async () => {
    const spec = specOf("ready", BEAT.replace("URL", `http://${bridgeAddress}:${port}/v1/beats/beat`));
    const { name } = spec;
    const started = performance.now();
    await createAndBoot(spec);
    await vi.waitUntil(() => stagesOf(name).includes("ready"), { timeout: 60_000, interval: 20 });
    console.log(`real daemon: create to ready in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    expect(stagesOf(name)).toEqual(["booting", "configuring", "ready"]);
    expect(reports.every(({ authorization }) => authorization === `Bearer ${TOKEN}`)).toBe(true);

    const found = await provider.find({ name, owner: spec.owner }, {});
    expect(found).toMatchObject({ id: name, status: "running", type: "c1-512mb", image: IMAGE, region: "local" });
    expect(found?.ipv4).toHaveLength(1);
    expect(await provider.find({ name, owner: { ...spec.owner, deployment: "d-other" } }, {})).toBeUndefined();
    await provider.boot(name, {});

    expect(stagesOf("beat")).toEqual([]);
    await provider.reboot(name, {});
    await vi.waitUntil(() => stagesOf("beat").length === 1, { timeout: 60_000, interval: 20 });
    expect(stagesOf(name)).toEqual(["booting", "configuring", "ready"]);
    await until(name, "running");
    await provider.shutdown(name, {});
    await until(name, "stopped");
    await provider.shutdown(name, {});
    await provider.boot(name, {});
    await until(name, "running");
    await provider.destroy(name, {});
    await vi.waitUntil(async () => (await statusOf(name)) === undefined, { timeout: 60_000, interval: 50 });
    await provider.destroy(name, {});
    expect(stagesOf(name)).toEqual(["booting", "configuring", "ready"]);
  });

  test("C7 a script that exits 1 is told with its step, exit code and log; the server stays up", async () => {
    const spec = specOf("failed", "#!/bin/bash\necho before; echo oops >&2; exit 1");
    await createAndBoot(spec);
    await vi.waitUntil(() => stagesOf(spec.name).includes("failed"), { timeout: 60_000, interval: 20 });
    expect(reports.findLast(({ instance }) => instance === spec.name)?.body).toMatchObject({
      stage: "failed",
      step: "script",
      exit_code: 1,
      log: expect.stringMatching(/before\noops$/),
    });
    expect(await statusOf(spec.name)).toBe("running");
  });

  test("C4 of creates of one name at once exactly one is accepted, and a later one finds the name taken", async () => {
    const spec = specOf("race", "");
    const settled = await Promise.allSettled([1, 2, 3].map(() => provider.create(spec, {})));
    const refusals = settled.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    expect(refusals).toHaveLength(2);
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: "provider_name_taken", effect: "none" });
    await until(spec.name, "stopped");
    await expect(provider.create(spec, {})).rejects.toMatchObject({ code: "provider_name_taken", effect: "none" });
    const listed = await provider.list({ limit: 500 }, {});
    expect(listed.items.filter(({ id }) => id === spec.name)).toHaveLength(1);
  });

  test("C7 a create that cannot succeed says why and leaves nothing behind", async () => {
    const spec = specOf("refused", "");
    await expect(provider.create({ ...spec, image: "no-such" }, {})).rejects.toMatchObject({
      code: "provider_image_not_found",
      effect: "none",
    });
    await expect(provider.create({ ...spec, region: "no-such" }, {})).rejects.toMatchObject({
      code: "provider_region_not_found",
      effect: "none",
    });
    const elsewhere = incusProvider({ socket: SOCKET, profiles: ["provost-no-such"] });
    await expect(elsewhere.create(spec, {})).rejects.toMatchObject({ code: "provider_rejected", effect: "none" });
    await elsewhere.close();
    expect(await provider.get(spec.name, {})).toBeUndefined();
  });
});
