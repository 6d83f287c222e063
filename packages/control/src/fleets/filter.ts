import { instanceStatuses, ProvostError } from "@provost/contract";

/** What a filter can ask for. */
const fields = ["provider", "region", "type", "image", "status", "name", "tag", "protected"] as const;
type Field = (typeof fields)[number];

/** One term: the field has one of these values; `*` stands for anything. */
export interface Term {
  field: Field;
  values: string[];
}

/**
 * Reads `provider:linode region:eu-central status:running,provisioned name:web-*`: every term must hold.
 *
 * @throws ProvostError `invalid_request` with the term that cannot be read.
 */
export function parseFilter(text: string): Term[] {
  const terms = text.trim().split(/\s+/).filter(Boolean).map(term);
  if (terms.length > 0) return terms;
  throw refused("It is empty", "for every instance say name:*");
}

function term(text: string): Term {
  const colon = text.indexOf(":");
  const name = text.slice(0, Math.max(colon, 0));
  const field = fields.find((each) => each === name);
  const values = text.slice(colon + 1).split(",");
  if (field === undefined || values.some((value) => value === "")) {
    throw refused(`${JSON.stringify(text.slice(0, 80))} cannot be read`, `give ${fields.join(":…, ")}:…`);
  }
  const known: readonly string[] = field === "status" ? instanceStatuses : field === "protected" ? ["yes", "no"] : [];
  const wrong = known.length === 0 ? undefined : values.find((value) => !known.includes(value));
  if (wrong !== undefined) {
    throw refused(`${JSON.stringify(wrong.slice(0, 80))} is no ${field}`, `give one of ${known.join(", ")}`);
  }
  return { field, values };
}

/** As `like` takes it, with `\` before what is meant as it stands. */
export function likePattern(value: string): string {
  return value.replaceAll(/[\\%_]/g, String.raw`\$&`).replaceAll("*", "%");
}

function refused(what: string, way: string): ProvostError {
  return new ProvostError("invalid_request", `The filter: ${what}: ${way}.`, { field: "filter" });
}
