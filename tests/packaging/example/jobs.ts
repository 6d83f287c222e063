import { defineJob, typed, type ProcessKind } from "@provost/jobs";

function greeter(process: ProcessKind) {
  return defineJob(`greet.${process}`, {
    process,
    module: import.meta.url,
    input: typed<{ name: string }>(),
    run: ({ input }) => `hello ${input.name}`,
  });
}

export const greeters = {
  inline: greeter("inline"),
  thread: greeter("thread"),
  process: greeter("process"),
};
