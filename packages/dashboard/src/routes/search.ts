type TextSearch<K extends string> = { [name in K]?: string | undefined };

/** Search parameters of a URL as text: what is missing or empty is left out, so that URLs stay short. */
export function textSearch<K extends string>(...names: K[]): (search: Record<string, unknown>) => TextSearch<K> {
  return (search) => {
    const kept: TextSearch<K> = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === "string" && value !== "") kept[name] = value;
    }
    return kept;
  };
}
