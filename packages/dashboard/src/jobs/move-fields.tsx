import { useQuery } from "@tanstack/react-query";
import { Field, SelectInput, TextInput } from "../ui/field.tsx";
import type { ActOptions } from "./acts.ts";
import { queuesQuery } from "./queries.ts";

export interface MoveText {
  queue: string;
  priority: string;
}

/** Where a move leads; undefined while that is not said, or wrong. */
export function moveTo({ queue, priority }: MoveText): ActOptions | undefined {
  if (queue === "" && priority === "") return undefined;
  if (priority !== "" && !isPriority(priority)) return undefined;
  return { ...(queue === "" ? {} : { queue }), ...(priority === "" ? {} : { priority: Number(priority) }) };
}

const isPriority = (text: string): boolean => /^\d{1,3}$/.test(text) && Number(text) <= 255;

export function MoveFields({ value, onChange }: { value: MoveText; onChange: (value: MoveText) => void }) {
  const { data: queues = [] } = useQuery(queuesQuery);
  const wrong = value.priority !== "" && !isPriority(value.priority);
  return (
    <div className="grid grid-cols-2 gap-4">
      <Field label="Queue" htmlFor="move-queue">
        <SelectInput
          id="move-queue"
          value={value.queue}
          onChange={(queue) => onChange({ ...value, queue })}
          options={[{ value: "", label: "As it is" }, ...queues.map(({ name }) => ({ value: name, label: name }))]}
        />
      </Field>
      <Field
        label="Priority"
        htmlFor="move-priority"
        hint="0–255, higher first; empty: as it is"
        error={wrong ? `${value.priority} is no whole number from 0 to 255` : undefined}
      >
        <TextInput
          id="move-priority"
          value={value.priority}
          onChange={(priority) => onChange({ ...value, priority })}
          inputMode="numeric"
          aria-invalid={wrong}
          aria-describedby="move-priority-hint"
        />
      </Field>
    </div>
  );
}
