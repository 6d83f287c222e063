import type { Instance } from "@provost/contract";
import { expect, test } from "vitest";
import { actionsFor } from "./actions.ts";

const instance = (changes: Partial<Instance>): Instance => ({
  id: "in_1",
  name: "web-1",
  provider: "sandbox",
  status: "running",
  region: "us-east",
  type: "small",
  image: "debian",
  providerName: "web-1-x",
  ipv4: [],
  ipv6: [],
  desired: "running",
  protected: false,
  tags: [],
  rootPassword: "none",
  createdAt: "2026-01-01T00:00:00.000Z",
  ...changes,
});
const possible = (changes: Partial<Instance>) =>
  actionsFor(instance(changes))
    .filter(({ disabled }) => disabled === undefined)
    .map(({ name }) => name);

test("a running one can be signalled; a stopped one booted", () => {
  expect(possible({})).toEqual(["reboot", "shutdown", "power-off", "resize", "snapshot", "restore", "destroy"]);
  expect(possible({ status: "stopped" })).toEqual(["boot", "resize", "snapshot", "restore", "destroy"]);
});

test("one thing at a time: what is under way is named as the reason", () => {
  const actions = actionsFor(instance({ status: "resizing", task: { kind: "resize" } }));
  expect(actions.every(({ disabled }) => disabled?.startsWith("resize is under way"))).toBe(true);
});

test("a deploy under way can be ended by destroying", () => {
  expect(possible({ status: "provisioning", task: { kind: "deploy" } })).toEqual(["destroy"]);
});

test("a protected one says why it is not destroyed", () => {
  expect(actionsFor(instance({ protected: true })).at(-1)?.disabled).toContain("protected");
});

test("a failed one can only be destroyed; a destroyed one nothing", () => {
  expect(possible({ status: "failed" })).toEqual(["destroy"]);
  expect(actionsFor(instance({ status: "destroyed" }))).toEqual([]);
});
