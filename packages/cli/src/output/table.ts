import { stripVTControlCharacters } from "node:util";
import type { Paint } from "./terminal.ts";

/**
 * Columns of equal width, two spaces apart, headings in capitals. The last column is not padded, so that nothing trails.
 *
 * @param rows painted or not; a cell that is undefined shows as `-`.
 */
export function table(headings: string[], rows: (string | undefined)[][], paint: Paint): string {
  const cells = rows.map((row) => headings.map((_heading, column) => row[column] ?? paint.dim("-")));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => width(row[column] ?? ""))),
  );
  const line = (row: string[]): string =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - width(cell)),
      )
      .join("  ");
  const head = line(headings.map((heading) => heading.toUpperCase()));
  return [paint.dim(head), ...cells.map(line)].map((each) => `${each}\n`).join("");
}

/** Lines of `name  value`, the names of one width. What is undefined is left out. */
export function facts(pairs: [name: string, value: string | undefined][], paint: Paint, indent = ""): string {
  const shown = pairs.filter((pair): pair is [string, string] => pair[1] !== undefined);
  const widest = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${indent}${paint.dim(name.padEnd(widest))}  ${value}\n`).join("");
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
