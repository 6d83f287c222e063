import { describe, expect, test } from "vitest";
import { limits } from "../../src/index.ts";
import { AttemptOutput } from "../../src/processes/output.ts";

const mark = "provost-end-0123456789abcdef";

function output(): { lines: string[]; written: AttemptOutput } {
  const lines: string[] = [];
  return { lines, written: new AttemptOutput(mark, (stream, line) => lines.push(`${stream}: ${line}`)) };
}

describe("the output of an attempt (L9, L14)", () => {
  test("comes in lines whatever its chunks are; the mark and what is behind it belong to no attempt", async () => {
    const { lines, written } = output();
    const text = `one\r\ntwo\n\nno newline${mark}\nof the next\n`;
    for (const character of text) written.write("stdout", character);
    written.write("stderr", `${mark}\nlate\n`);
    await written.closed;
    expect(lines).toEqual(["stdout: one", "stdout: two", "stdout: ", "stdout: no newline"]);
    expect(written.tail).toBe("one\ntwo\n\nno newline");
  });

  test("ends with its streams when the process dies: what had no newline counts", async () => {
    const { lines, written } = output();
    written.write("stderr", "last words");
    written.end("stderr");
    written.end("stdout");
    await written.closed;
    expect(lines).toEqual(["stderr: last words"]);
  });

  test("is bounded: lines are cut, no more than outputLinesMax told, no more than outputTailBytesMax kept", () => {
    const { lines, written } = output();
    for (let chunk = 0; chunk < 100; chunk += 1) written.write("stdout", "x".repeat(1_000));
    expect(Math.max(...lines.map((line) => line.length))).toBe(limits.outputLineBytesMax + "stdout: ".length);
    for (let line = 0; line < limits.outputLinesMax * 2; line += 1) written.write("stdout", `line ${line}\n`);
    expect(lines).toHaveLength(limits.outputLinesMax + 1);
    expect(lines.at(-1)).toContain("limits.outputLinesMax");
    expect(written.tail?.length).toBeLessThanOrEqual(limits.outputTailBytesMax);
    expect(written.tail).toContain(`line ${limits.outputLinesMax * 2 - 1}`);
  });

  test("nothing printed is no tail; what no store takes is replaced", () => {
    const { lines, written } = output();
    expect(written.tail).toBeUndefined();
    written.write("stdout", "a\0b\n");
    expect(lines).toEqual(["stdout: a\uFFFDb"]);
  });
});
