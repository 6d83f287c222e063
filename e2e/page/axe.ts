import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

declare const axe: typeof import("axe-core");

const standards = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * What axe has against the page as it stands, one line for each: by WCAG 2.2 A and AA and by axe's own good practice, or by the
 * rules that are named.
 */
export async function violations(page: Page, rules: readonly string[] = []): Promise<string[]> {
  await page.evaluate(source);
  const results = await page.evaluate(
    async (runOnly): Promise<AxeResults> => axe.run(document, { resultTypes: ["violations"], runOnly }),
    rules.length === 0 ? { type: "tag" as const, values: standards } : { type: "rule" as const, values: [...rules] },
  );
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ target, failureSummary }) => `${id}: ${target.join(" ")} ${failureSummary?.replaceAll(/\s+/g, " ") ?? ""}`,
    ),
  );
}
