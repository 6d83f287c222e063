import { describe, expect, vi } from "vitest";
import { instanceSchema, pageSchema } from "@provost/contract";
import { freePort, isAlive, processesWith, withProvost } from "./provost.ts";

const page = pageSchema(instanceSchema);

// Each with a data folder of its own, side by side: they wait for boots, not for this machine.
describe.concurrent("provost start (issue 2, lines 1 and 4)", () => {
  withProvost(
    "--once: from nothing to a provisioned instance, exit 0; a second start deploys nothing",
    async ({ provost }) => {
      const first = await provost.run(["start", "--once"]);
      expect(first, first.stderr).toMatchObject({ code: 0, stderr: "" });
      const order = ["requested", "creating", "accepted", "booting", "configuring", "ready", "provisioned"];
      const seen = order.map((stage) => first.stdout.search(new RegExp(`✓ ${stage}\\b`)));
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      expect(seen).not.toContain(-1);
      expect(first.stdout).toMatch(/hello-1 is ready at \d+\.\d+\.\d+\.\d+, after \d+\.\d s/);
      expect(first.stdout).not.toContain("\u001b");
      expect(provost.has("server.json")).toBe(false);

      const second = provost.begin(["start"]);
      await second.says("Ctrl-C stops everything");
      expect(second.stdout).toMatch(/hello-1 is there since an earlier start.*Nothing was deployed/);
      const list = page.parse(JSON.parse((await provost.run(["instance", "list", "--all", "--json"])).stdout));
      expect(list.items).toHaveLength(1);

      const destroyed = await provost.run(["instance", "destroy", "hello-1", "--yes"]);
      expect(destroyed, destroyed.stderr).toMatchObject({ code: 0 });
      second.child.kill("SIGINT");
      await second.ended;
      const third = await provost.run(["start", "--once"]);
      expect(third.stdout).toMatch(/hello-1 was destroyed. Nothing was deployed/);
      expect(third.code).toBe(7);
    },
  );

  withProvost("Ctrl-C ends the server and the sandbox, and takes the announcement back", async ({ provost }) => {
    const running = provost.begin(["start", "--no-first-deploy"]);
    await running.says("Ctrl-C stops everything");
    const { url, pid } = provost.info();
    expect(running.stdout).toContain(`${url}/reference`);
    expect(running.stdout).toContain(`${provost.data}/admin-token`);
    const [sandbox] = await processesWith(`${provost.data}/sandbox.db`);
    expect(sandbox).toBeDefined();
    running.child.kill("SIGINT");
    expect((await running.ended).code).toBe(0);
    expect(isAlive(pid)).toBe(false);
    expect(isAlive(sandbox!)).toBe(false);
    expect(provost.has("server.json")).toBe(false);
  });

  withProvost(
    "L11 C4 kill -9 in the middle of the first deploy leaves no orphan; the next start follows that deploy to its end",
    async ({ provost }) => {
      // The same port both times: the instance calls the address that it was told before the kill.
      const port = String(await freePort());
      const running = provost.begin(["start", "--port", port]);
      await running.says("accepted");
      const { pid } = provost.info();
      const [sandbox] = await processesWith(`${provost.data}/sandbox.db`);
      process.kill(pid, "SIGKILL");
      expect((await running.ended).code).not.toBe(0);
      await vi.waitFor(() => expect(isAlive(sandbox!)).toBe(false), { timeout: 60_000, interval: 20 });

      const second = await provost.run(["start", "--once", "--port", port]);
      expect(second, second.stderr).toMatchObject({ code: 0 });
      expect(second.stdout).toMatch(/on its way since an earlier start|is there since an earlier start/);
      expect(second.stdout.match(/✓ accepted/g)?.length ?? 0).toBeLessThanOrEqual(1);
    },
  );

  withProvost("kill -9 of the process that started it ends the command, too", async ({ provost }) => {
    const running = provost.begin(["start", "--no-first-deploy"]);
    await running.says("Ctrl-C stops everything");
    const { pid } = provost.info();
    expect(pid).not.toBe(running.child.pid);
    running.child.kill("SIGKILL");
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 60_000, interval: 20 });
    await vi.waitFor(async () => expect(await processesWith(`${provost.data}/sandbox.db`)).toEqual([]), {
      timeout: 60_000,
      interval: 50,
    });
  });
});
