import { Search, X } from "lucide-react";
import { useEffect, useId, useState, type KeyboardEvent } from "react";
import { classes } from "../ui/classes.ts";
import { suggest, type QueryKey, type Suggestion } from "./query.ts";

interface QueryBarProps {
  label: string;
  placeholder: string;
  /** As the URL has it. */
  value: string;
  /** Told a moment after the last key. */
  onChange: (value: string) => void;
  keys: readonly QueryKey[];
  problem?: string | undefined;
}

const settleMs = 250;

/** The search of a list: terms with suggestions. `/` puts the focus here. */
export function QueryBar({ label, placeholder, value, onChange, keys, problem }: QueryBarProps) {
  const [text, setText] = useState(value);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const id = useId();
  useEffect(() => setText((typed) => (typed.trim() === value ? typed : value)), [value]);
  useEffect(() => {
    if (text.trim() === value) return undefined;
    const timer = setTimeout(() => onChange(text.trim()), settleMs);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  const suggestions = open ? suggest(text, keys) : [];
  // Half a word is no mistake yet.
  const shown = suggestions.length > 0 ? undefined : problem;
  const take = (next: string): void => {
    setText(next);
    setActive(-1);
    setOpen(true);
  };
  const clear = (): void => {
    setText("");
    onChange("");
  };
  const enter = (): void => {
    const chosen = suggestions[active];
    if (chosen !== undefined) return take(chosen.text);
    setOpen(false);
    return onChange(text.trim());
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === "Escape" && !open) event.currentTarget.blur();
    else if (event.key === "Escape") setOpen(false);
    else if (event.key === "ArrowDown") setActive(Math.min(active + 1, suggestions.length - 1));
    else if (event.key === "ArrowUp") setActive(Math.max(active - 1, -1));
    else if (event.key === "Enter") enter();
    else return;
    event.preventDefault();
  };
  return (
    <div className="relative min-w-0 flex-1 basis-64">
      <Search aria-hidden size={14} className="pointer-events-none absolute top-2.25 left-2.5 text-faint" />
      <input
        type="search"
        role="combobox"
        aria-label={label}
        aria-expanded={suggestions.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
        aria-invalid={shown !== undefined}
        aria-describedby={shown === undefined ? undefined : `${id}-problem`}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder={placeholder}
        value={text}
        onChange={(event) => take(event.currentTarget.value)}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
        className="h-8 w-full rounded-md border border-control/70 bg-canvas pr-8 pl-8 text-sm hover:border-control aria-invalid:border-bad [&::-webkit-search-cancel-button]:hidden"
      />
      {text !== "" && <ClearButton onClear={clear} />}
      {shown !== undefined && <Problem id={`${id}-problem`} text={shown} />}
      <Suggestions id={id} suggestions={suggestions} active={active} onTake={take} />
    </div>
  );
}

function Problem({ id, text }: { id: string; text: string }) {
  return (
    <p id={id} role="alert" className="mt-1 text-xs text-bad">
      {text}
    </p>
  );
}

function ClearButton({ onClear }: { onClear: () => void }) {
  return (
    <button
      type="button"
      aria-label="Clear the search"
      className="absolute top-1 right-1 inline-flex size-6 items-center justify-center rounded-sm text-faint hover:bg-hover hover:text-text"
      onClick={onClear}
    >
      <X aria-hidden size={14} />
    </button>
  );
}

interface SuggestionsProps {
  id: string;
  suggestions: readonly Suggestion[];
  active: number;
  onTake: (text: string) => void;
}

function Suggestions({ id, suggestions, active, onTake }: SuggestionsProps) {
  return (
    <div
      id={`${id}-list`}
      role="listbox"
      aria-label="Suggestions"
      className={classes(
        "absolute top-9 left-0 z-30 w-72 max-w-full rounded-lg border border-line bg-raised p-1 shadow-float",
        suggestions.length === 0 && "hidden",
      )}
    >
      {suggestions.map(({ text, label, hint }, index) => (
        <div
          key={text}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === active}
          tabIndex={-1}
          // Before the field loses the focus, which would close the list.
          onMouseDown={(event) => {
            event.preventDefault();
            onTake(text);
          }}
          className={classes(
            "flex h-8 cursor-default items-center justify-between gap-3 rounded-md px-2",
            index === active ? "bg-pressed" : "hover:bg-hover",
          )}
        >
          <span className="font-mono text-xs">{label}</span>
          <span className="truncate text-xs text-faint">{hint}</span>
        </div>
      ))}
    </div>
  );
}
