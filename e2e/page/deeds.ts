import type { SandboxCloud } from "../harness/sandbox.ts";
import type { Visitor } from "./visitor.ts";

/** Fills in the deploy form, which is open, and sends it. */
export async function deploy(visitor: Visitor, name: string, { script }: { script?: string }): Promise<void> {
  const { page } = visitor;
  // Its plans are there: the catalog has been read.
  await visitor.sees(page.getByRole("radio", { checked: true }));
  await page.getByLabel("Name", { exact: true }).fill(name);
  if (script !== undefined) await page.getByLabel("Script").fill(script);
  await visitor.button("Deploy").click();
}

/** On the providers' screen: an account of the pretend cloud, which speaks Linode's API. */
export async function addAccount(visitor: Visitor, cloud: SandboxCloud): Promise<void> {
  const { page } = visitor;
  await visitor.sees(visitor.heading("Providers"));
  await visitor.button(/^Add/).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("linode");
  await dialog.getByLabel("Driver").selectOption("linode");
  await dialog.getByLabel(/endpoint/i).fill(cloud.url);
  await dialog.getByLabel(/token/i).fill(cloud.token);
  await dialog.getByRole("button", { name: /^Add/ }).click();
  await dialog.waitFor({ state: "hidden" });
  await visitor.sees(page.getByText("linode").first());
}
