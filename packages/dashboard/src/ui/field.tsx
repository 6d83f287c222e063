import type { ComponentProps, ReactNode } from "react";
import { classes } from "./classes.ts";

export const inputClass =
  "h-8 w-full min-w-0 rounded-md border border-control/70 bg-canvas px-2.5 text-sm text-text hover:border-control aria-invalid:border-bad disabled:opacity-55";

interface FieldProps {
  label: string;
  /** Of the control inside. */
  htmlFor: string;
  hint?: ReactNode;
  error?: string | undefined;
  children: ReactNode;
}

/** A label with its control, and what is wrong with it. The control names `<htmlFor>-hint` in aria-describedby. */
export function Field({ label, htmlFor, hint, error, children }: FieldProps) {
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={htmlFor} className="font-medium">
        {label}
      </label>
      {children}
      {(error ?? hint) !== undefined && (
        <p id={`${htmlFor}-hint`} className={classes("text-xs", error === undefined ? "text-muted" : "text-bad")}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

type TextInputProps = Omit<ComponentProps<"input">, "onChange" | "value"> & {
  value: string;
  onChange: (value: string) => void;
};

export function TextInput({ onChange, className, ...rest }: TextInputProps) {
  return (
    <input
      type="text"
      {...rest}
      onChange={(event) => onChange(event.currentTarget.value)}
      className={classes(inputClass, className)}
    />
  );
}

type TextAreaProps = Omit<ComponentProps<"textarea">, "onChange" | "value"> & {
  value: string;
  onChange: (value: string) => void;
};

export function TextArea({ onChange, className, ...rest }: TextAreaProps) {
  return (
    <textarea
      spellCheck={false}
      {...rest}
      onChange={(event) => onChange(event.currentTarget.value)}
      className={classes(inputClass, "h-auto min-h-20 py-1.5 font-mono text-xs", className)}
    />
  );
}

interface SelectProps extends Omit<ComponentProps<"select">, "onChange" | "value"> {
  value: string;
  onChange: (value: string) => void;
  options: readonly { value: string; label: string; disabled?: boolean }[];
}

/** The browser's own: it works with every keyboard, phone and screen reader. */
export function SelectInput({ options, onChange, className, ...rest }: SelectProps) {
  return (
    <select
      {...rest}
      onChange={(event) => onChange(event.currentTarget.value)}
      className={classes(inputClass, "pr-7", className)}
    >
      {options.map(({ value, label, disabled }) => (
        <option key={value} value={value} disabled={disabled}>
          {label}
        </option>
      ))}
    </select>
  );
}
