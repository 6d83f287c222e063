import type { Scenario } from "../scenario.ts";
import { engineNamed } from "../engines.ts";
import { type Result, ratio, summary, type Verdict, verdicts } from "./results.ts";

const barWidth = 40;

/** A scenario's part of docs/benchmarks.md: what it measures, the table, a chart, and what it was to show. */
export function sectionOf(scenario: Scenario, results: readonly Result[], failures: readonly string[]): string {
  const engines = scenario.engines.filter((name) => results.some(({ engine }) => engine === name));
  const failed = failures.map((failure) => `- **Failed**: ${failure}.`);
  const last = results.at(-1);
  if (last === undefined) return failed.join("\n");
  const rounds = new Set(results.map(({ round }) => round)).size;
  return [
    `${capital(scenario.measures)}; size ${grouped(last.size)}, median of ${rounds}, ${last.at.slice(0, 10)}.`,
    "",
    ...table(scenario, engines, results),
    "",
    "```text",
    ...chart(scenario, engines, results),
    "```",
    "",
    ...verdicts(scenario, results).map(sentenceOf),
    ...failed,
  ].join("\n");
}

function table(scenario: Scenario, engines: readonly string[], results: readonly Result[]): string[] {
  const { figure, unit } = scenario;
  const others = [...new Set(results.flatMap(({ figures }) => Object.keys(figures)))].filter((name) => name !== figure);
  const ours = engines.filter((name) => engineNamed(name).side === "ours" && !engineNamed(name).defaults);
  const head = [
    "engine",
    unit,
    "spread",
    ...others.map(spaced),
    ...ours.map((name) => `${engineNamed(name).label} ÷ it`),
  ];
  const rows = engines.map((name) => {
    const { median, spread } = summary(results, name, figure);
    return [
      engineNamed(name).label,
      shown(median),
      `${Math.round(spread * 100)}%`,
      ...others.map((other) => shown(summary(results, name, other).median)),
      ...ours.map((our) => (our === name ? "" : shown(ratio(results, figure, our, name)))),
    ];
  });
  return [head, head.map((_, index) => (index === 0 ? "---" : "--:")), ...rows].map(
    (cells) => `| ${cells.join(" | ")} |`,
  );
}

function chart({ figure }: Scenario, engines: readonly string[], results: readonly Result[]): string[] {
  const medians = engines.map((name) => summary(results, name, figure).median);
  const most = Math.max(...medians.filter(Number.isFinite));
  const labels = engines.map((name) => engineNamed(name).label);
  const labelWidth = Math.max(...labels.map((label) => label.length));
  return labels.map((label, index) => {
    const median = medians[index] ?? Number.NaN;
    const bar = "█".repeat(Number.isFinite(median) ? Math.round((median / most) * barWidth) : 0);
    return `${label.padEnd(labelWidth)} ${bar} ${shown(median)}`;
  });
}

function sentenceOf({ target, best, value, holds }: Verdict): string {
  const { ours, figure, atLeast, atMost } = target;
  const bound = [
    ...(atLeast === undefined ? [] : [`at least ${shown(atLeast)}`]),
    ...(atMost === undefined ? [] : [`at most ${shown(atMost)}`]),
  ].join(" and ");
  const what = best === undefined ? "" : ` ÷ ${engineNamed(best).label}`;
  return `- ${holds ? "Holds" : "**Missed**"}: ${engineNamed(ours).label}${what}, ${spaced(figure)}: ${shown(value)}; wanted: ${bound}.`;
}

/** Three significant digits, or whole with thousands apart. */
function shown(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return Math.abs(value) >= 1_000 ? grouped(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function grouped(value: number): string {
  return value.toLocaleString("en-US");
}

/** `jobsPerSecond` as words. */
function spaced(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z]{2})(?=\d)/g, " ").toLowerCase();
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Puts a section in its place between its marks, or at the end where it has none yet. */
export function withSection(page: string, name: string, section: string): string {
  const [start, end] = [`<!-- ${name}: written by npm run bench -->`, `<!-- /${name} -->`];
  const block = `${start}\n\n${section}\n\n${end}`;
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from === -1 || to === -1) return `${page.trimEnd()}\n\n## ${name}\n\n${block}\n`;
  return page.slice(0, from) + block + page.slice(to + end.length);
}
