import { asApiError } from "../api/problem.ts";

/** Short news about what was just done. */
export interface Toast {
  id: number;
  title: string;
  description: string | undefined;
  /** Errors stay longer and are read out at once. */
  type: "done" | "error";
}

const shownMax = 4;
const shownMs = { done: 5_000, error: 12_000 } as const;

let shown: readonly Toast[] = [];
let lastId = 0;
const watchers = new Set<() => void>();
const timers = new Map<number, ReturnType<typeof setTimeout>>();

function show(next: readonly Toast[]): void {
  shown = next;
  for (const watcher of watchers) watcher();
}

function add(toast: Omit<Toast, "id">): void {
  lastId += 1;
  show([...shown, { ...toast, id: lastId }].slice(-shownMax));
  expire(lastId);
}

function expire(id: number): void {
  const toast = shown.find((each) => each.id === id);
  if (toast !== undefined)
    timers.set(
      id,
      setTimeout(() => dropToast(id), shownMs[toast.type]),
    );
}

export function dropToast(id: number): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
  show(shown.filter((toast) => toast.id !== id));
}

/** While the pointer or the focus is on them, none goes. */
export function holdToasts(held: boolean): void {
  for (const timer of timers.values()) clearTimeout(timer);
  timers.clear();
  if (!held) for (const { id } of shown) expire(id);
}

export function watchToasts(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function currentToasts(): readonly Toast[] {
  return shown;
}

export function toastDone(title: string, description?: string): void {
  add({ title, description, type: "done" });
}

/** What a failed action says. */
export function toastError(error: unknown): void {
  const { title, detail } = asApiError(error);
  add({ title, description: detail, type: "error" });
}
