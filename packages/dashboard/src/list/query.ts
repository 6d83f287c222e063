/**
 * What is typed into a list's search: `key:value` terms, values between commas being alternatives, and free words.
 * `provider:linode status:running,stopped web` asks for three things that must all hold.
 */
export interface Query {
  terms: Readonly<Record<string, string>>;
  /** The free words, as they were typed. */
  words: string;
  /** What is wrong with it, with the way out. */
  problem: string | undefined;
}

/** `closed` has the keys whose values are all known: another one is a problem, not an empty list. */
export function parseQuery(
  text: string,
  keys: readonly string[],
  closed: Readonly<Record<string, readonly string[]>> = {},
): Query {
  const terms: Record<string, string> = {};
  const words: string[] = [];
  let problem: string | undefined;
  for (const piece of text.split(/\s+/).filter(Boolean)) {
    const [, key, value] = /^([a-z]+):(.*)$/.exec(piece) ?? [];
    if (key === undefined || value === undefined) words.push(piece);
    else if (!keys.includes(key))
      problem ??= `"${key}:" is no filter here: there are ${keys.map((k) => `${k}:`).join(" ")}`;
    else if (terms[key] !== undefined)
      problem ??= `"${key}:" is there twice: put commas between alternatives, ${key}:${terms[key]},${value}`;
    else if (value !== "") terms[key] = value.replaceAll(/,+/g, ",").replaceAll(/^,|,$/g, "");
  }
  for (const [key, known] of Object.entries(closed)) {
    const wrong = terms[key]?.split(",").find((value) => !known.includes(value));
    if (wrong !== undefined) problem ??= `"${wrong}" is no ${key}: there are ${known.join(", ")}`;
  }
  return { terms, words: words.join(" "), problem };
}

export function formatQuery({ terms, words }: Pick<Query, "terms" | "words">): string {
  const given = Object.entries(terms).filter(([, value]) => value !== "");
  return [...given.map(([key, value]) => `${key}:${value}`), words].filter((piece) => piece !== "").join(" ");
}

/** The text with one term set, or taken out by an empty value. */
export function withTerm(text: string, keys: readonly string[], key: string, value: string): string {
  const { terms, words } = parseQuery(text, keys);
  return formatQuery({ terms: { ...terms, [key]: value }, words });
}

/** A key, and the values that are known to exist for it. */
export interface QueryKey {
  key: string;
  hint: string;
  values?: readonly string[] | undefined;
}

export interface Suggestion {
  /** What the text becomes. */
  text: string;
  label: string;
  hint: string;
}

const suggestionsMax = 10;

/** What the piece being typed at the end may become: a key, or a value of its key. */
export function suggest(text: string, keys: readonly QueryKey[]): Suggestion[] {
  const start = text.search(/\S*$/);
  const before = text.slice(0, start);
  const piece = text.slice(start);
  const colon = piece.indexOf(":");
  if (colon < 0) {
    return keys
      .filter(({ key }) => key.startsWith(piece.toLowerCase()) && !before.includes(`${key}:`))
      .map(({ key, hint }) => ({ text: `${before}${key}:`, label: `${key}:`, hint }));
  }
  const key = keys.find((each) => each.key === piece.slice(0, colon));
  const chosen = piece.slice(colon + 1).split(",");
  const typed = chosen.pop() ?? "";
  const head = `${before}${piece.slice(0, colon + 1)}${chosen.map((value) => `${value},`).join("")}`;
  const wanted = typed.toLowerCase();
  return (key?.values ?? [])
    .filter((value) => value.toLowerCase().includes(wanted) && !chosen.includes(value) && value !== typed)
    .toSorted((one, other) => Number(other.startsWith(wanted)) - Number(one.startsWith(wanted)))
    .slice(0, suggestionsMax)
    .map((value) => ({ text: `${head}${value} `, label: value, hint: "" }));
}
