import type { Locator } from "playwright-core";
import type { Visitor } from "./visitor.ts";
import type { World } from "./world/world.ts";

/** One screen as it is shown, checked and photographed. */
export interface Screen {
  /** Of its pictures. */
  name: string;
  path: (world: World) => string;
  /** There when it has its data. */
  ready: (visitor: Visitor, world: World) => Locator;
  /** What is done once it is there: a dialog that is opened, a row that is chosen. */
  after?: (visitor: Visitor, world: World) => Promise<void>;
  signedOut?: boolean;
}

const text =
  (words: string | RegExp) =>
  ({ page }: Visitor): Locator =>
    page.getByRole("main").getByText(words).first();
const row =
  (name: string | RegExp) =>
  ({ page }: Visitor): Locator =>
    page.getByRole("row", { name }).first();

const servers: Screen[] = [
  {
    name: "sign-in",
    path: () => "instances",
    ready: (visitor) => visitor.button("Sign in"),
    signedOut: true,
  },
  { name: "instances", path: () => "instances", ready: row(/db-1/) },
  {
    name: "instances-chosen",
    path: () => "instances?q=tag%3Aweb",
    ready: row(/web-1/),
    after: async ({ page }) => {
      await page.getByRole("checkbox", { name: "Choose web-1" }).check();
      await page.getByRole("checkbox", { name: "Choose web-2" }).check();
      await page.getByRole("toolbar").waitFor();
    },
  },
  { name: "instances-failed", path: () => "instances?view=failed", ready: row(/worker-7/) },
  { name: "deploy", path: () => "instances/deploy", ready: ({ page }) => page.getByRole("radio", { checked: true }) },
  {
    name: "instance",
    path: ({ filled }) => `instances/${filled.ready.id}`,
    ready: ({ page }) => page.getByRole("region", { name: "Steps" }).getByLabel("done").last(),
  },
  {
    name: "instance-failed",
    path: ({ filled }) => `instances/${filled.failed.id}`,
    ready: ({ page }) => page.getByRole("region", { name: "What happened" }),
  },
  {
    name: "instance-under-way",
    path: ({ filled }) => `instances/${filled.underWay.id}`,
    ready: ({ page }) => page.getByRole("region", { name: "Steps" }).getByLabel("under way"),
  },
  {
    name: "instance-operations",
    path: ({ filled }) => `instances/${filled.ready.id}?tab=operations`,
    ready: ({ page }) => page.getByRole("main").getByText("reboot", { exact: true }).first(),
  },
  {
    name: "instance-activity",
    path: ({ filled }) => `instances/${filled.ready.id}?tab=activity`,
    ready: ({ page }) => page.getByRole("list", { name: "Activity" }).getByRole("listitem").first(),
  },
  {
    name: "instance-settings",
    path: ({ filled }) => `instances/${filled.ready.id}?tab=settings`,
    ready: ({ page }) => page.getByRole("main").getByRole("heading", { level: 2 }).first(),
  },
  {
    name: "instance-resize",
    path: ({ filled }) => `instances/${filled.ready.id}`,
    ready: (visitor) => visitor.heading("web-1"),
    after: async (visitor) => {
      await actionOf(visitor, "Resize");
      await visitor.page
        .getByRole("dialog")
        .getByRole("radio", { name: /Linode 8GB/ })
        .check();
    },
  },
  {
    name: "instance-destroy",
    path: ({ filled }) => `instances/${filled.ready.id}`,
    ready: (visitor) => visitor.heading("web-1"),
    after: async (visitor) => {
      await actionOf(visitor, "Destroy");
      await visitor.page.getByRole("dialog").getByRole("textbox").waitFor();
    },
  },
  { name: "images", path: () => "images", ready: text("base-2026-11") },
  { name: "orphans", path: () => "orphans", ready: row(/forgotten/) },
  { name: "fleets", path: () => "fleets", ready: row(/Reboot/i) },
  { name: "fleet", path: ({ filled }) => `fleets/${filled.fleet}`, ready: row(/web-1/) },
];

const jobs: Screen[] = [
  { name: "jobs-overview", path: () => "jobs/overview", ready: text("reports") },
  { name: "jobs", path: () => "jobs", ready: ({ page }) => page.getByRole("row").nth(5) },
  { name: "jobs-failed", path: () => "jobs?q=status%3Afailed", ready: row(/invoice\.render/) },
  {
    name: "job-failed",
    path: ({ office }) => `jobs/${office.failed}`,
    ready: (visitor) => visitor.heading(/invoice\.render/),
  },
  {
    name: "job-flow",
    path: ({ office }) => `jobs/${office.published}?tab=flow`,
    ready: ({ page }) => page.getByRole("treeitem", { name: /report\.publish/ }),
  },
  {
    name: "job-tree",
    path: ({ office }) => `jobs/${office.published}?tab=flow&view=tree`,
    ready: ({ page }) => page.getByRole("treeitem", { name: /report\.publish/ }),
  },
  {
    name: "job-data",
    path: ({ office }) => `jobs/${office.failed}?tab=data`,
    ready: ({ page }) => page.getByLabel("Input", { exact: true }),
  },
  {
    name: "job-why",
    path: ({ office }) => `jobs/${office.waiting}`,
    ready: ({ page }) => page.getByRole("region", { name: "Why is it not running?" }),
  },
  { name: "queues", path: () => "jobs/queues", ready: row(/mail/) },
  { name: "queue", path: () => "jobs/queues/reports", ready: (visitor) => visitor.heading("reports") },
  { name: "schedules", path: () => "jobs/schedules", ready: row(/nightly-report/) },
  { name: "schedule", path: () => "jobs/schedules/heartbeat", ready: (visitor) => visitor.heading("heartbeat") },
  { name: "processes", path: () => "jobs/processes", ready: ({ page }) => page.getByRole("row").nth(1) },
];

const system: Screen[] = [
  { name: "providers", path: () => "providers", ready: text("staging") },
  {
    name: "provider-add",
    path: () => "providers",
    ready: text("staging"),
    after: async (visitor) => {
      await visitor.button("Add a provider").click();
      await visitor.page.getByRole("dialog").getByLabel(/token/).waitFor();
    },
  },
  { name: "audit", path: () => "audit", ready: row(/instance\.resize/) },
  { name: "tokens", path: () => "tokens", ready: row(/grafana/) },
  { name: "webhooks", path: () => "webhooks", ready: text("ops-chat") },
  { name: "webhook", path: () => "webhooks/ops-chat", ready: row(/instance\./) },
  { name: "health", path: () => "health", ready: text(/SQLite/i) },
  {
    name: "palette",
    path: () => "instances",
    ready: row(/db-1/),
    after: async ({ page }) => {
      await page.keyboard.press("Control+k");
      await page.getByRole("dialog").getByRole("option").first().waitFor();
    },
  },
  {
    name: "shortcuts",
    path: () => "instances",
    ready: row(/db-1/),
    after: async ({ page }) => {
      await page.keyboard.press("?");
      await page.getByRole("dialog").waitFor();
    },
  },
];

export const screens: readonly Screen[] = [...servers, ...jobs, ...system];

/** On a phone all actions are in the menu. */
async function actionOf(visitor: Visitor, action: string): Promise<void> {
  await visitor.choose("Actions", action);
}

/** Goes there and waits until there is what it is about. */
export async function show(visitor: Visitor, world: World, screen: Screen): Promise<void> {
  await visitor.open(screen.path(world));
  await visitor.sees(screen.ready(visitor, world));
  await screen.after?.(visitor, world);
  // Whatever else it shows has come too, and what is shown is current.
  await visitor.page.locator("[aria-label=Loading]").first().waitFor({ state: "detached" });
  if (screen.signedOut !== true)
    await visitor.sees(visitor.page.getByRole("status", { includeHidden: true }).getByText("Live", { exact: true }));
  // Pictures of letters that are still on their way would differ.
  await visitor.page.evaluate(() => document.fonts.ready.then(() => undefined));
}
