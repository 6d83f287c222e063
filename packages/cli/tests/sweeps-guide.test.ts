import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startSandbox } from "@provost/sandbox";
import { expect, vi } from "vitest";
import { withProvost } from "./provost.ts";

const guide = readFileSync(join(import.meta.dirname, "../../../docs/guides/sweeps.md"), "utf8");
const commands = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
  .flatMap(([, block]) => (block ?? "").trim().split("\n"))
  .map((line) => line.replace(/^provost /, "").split(" "));
const firstId = 60_000_001;

withProvost(
  "C13: the guide's commands do as they stand what it says",
  async ({ provost }) => {
    const sandbox = await startSandbox({ tokens: ["guide"], fast: true });
    try {
      const server = provost.begin(["server"]);
      await vi.waitFor(() => expect(provost.has("server.json")).toBe(true), { timeout: 25_000 });
      const account = ["sandbox", "--driver", "linode", "--endpoint", sandbox.url];
      const added = await provost.run(["provider", "add", ...account], { PROVOST_PROVIDER_TOKEN: "guide" });
      expect(added.code, added.stderr).toBe(0);
      const { url } = provost.info();
      const { deployment } = (await (await fetch(`${url}/v1/health`)).json()) as { deployment: string };
      expect(sandbox.populate({ count: 1 }).first_id).toBe(firstId);
      sandbox.populate({ count: 2, tags: [`provost:${deployment}`, "provost-instance:in_gone"] });
      sandbox.populate({ count: 1 });
      await vi.waitFor(
        async () => expect((await provost.run(["orphan", "list"])).stdout).toContain(String(firstId + 2)),
        { timeout: 40_000, interval: 500 },
      );
      expect(commands.length).toBeGreaterThan(7);
      const said: Record<string, string> = {};
      for (const args of commands) {
        const ran = await provost.run(args);
        expect(ran.code, `${args.join(" ")}: ${ran.stderr}`).toBe(0);
        said[args.slice(0, 2).join(" ")] = ran.stdout;
      }
      expect(said["provider sweeps"]).toMatch(/sandbox .*4 in \d/);
      expect(said["orphan list"]).toMatch(/60000002 .*\$0\.01 \(\$5 a month\)/);
      expect(said["orphan adopt"]).toContain("found-1 is adopted");
      expect(said["orphan destroy"]).toContain("Destroying fleet-60000003");
      expect(said["instance release"]).toContain("old-1 is released");
      await vi.waitFor(() => expect(sandbox.stats()).toMatchObject({ instances: 3, deletes_accepted: 1 }), {
        timeout: 20_000,
      });
      server.child.kill("SIGTERM");
      await server.ended;
    } finally {
      await sandbox.close();
    }
  },
  90_000,
);
