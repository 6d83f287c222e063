import { expect, it } from "vitest";
import { whyWords } from "./why-words.ts";

it("L15: the reason reads as a sentence, whether it lies with the job or with something else", () => {
  expect(whyWords("mail.send", { kind: "delay", sentence: "is due in 32 s (attempt 6 of 6)" })).toBe(
    "mail.send is due in 32 s (attempt 6 of 6).",
  );
  expect(whyWords("mail.send", { kind: "paused", sentence: 'queue "mail" is paused' })).toBe('Queue "mail" is paused.');
});
