/** Search parameters of a URL as text: what is missing or empty is left out, so that URLs stay short. */
export function textSearch<K extends string>(
  ...names: K[]
): (search: Record<string, unknown>) => Partial<Record<K, string>> {
  return (search) => {
    const kept: Partial<Record<K, string>> = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === "string" && value !== "") kept[name] = value;
      else if (typeof value === "number" || typeof value === "boolean") kept[name] = String(value);
    }
    return kept;
  };
}
