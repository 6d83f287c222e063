/** Keys as people know them: `mod+k` is ⌘K on a Mac and Ctrl K elsewhere. */
const mac = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function keyWords(keys: string): string[] {
  return keys.split(" ").map((press) =>
    press
      .replace("mod+", mac ? "⌘" : "Ctrl ")
      .replace("Escape", "Esc")
      .replace("Enter", "↵")
      .replace(/(^|⌘| )([a-z])$/, (_, before: string, letter: string) => before + letter.toUpperCase()),
  );
}

export function Kbd({ keys }: { keys: string }) {
  return (
    <span className="inline-flex gap-1">
      {keyWords(keys).map((word, index) => (
        <kbd
          key={`${index}-${word}`}
          className="inline-flex h-5 min-w-5 items-center justify-center rounded-sm border border-line bg-panel px-1 font-sans text-xs text-muted"
        >
          {word}
        </kbd>
      ))}
    </span>
  );
}
