/** As an instance keeps them: each once, in the order of the alphabet. */
export function tagSet(tags: readonly string[]): string[] {
  return [...new Set(tags)].toSorted();
}
