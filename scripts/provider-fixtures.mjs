// `node scripts/provider-fixtures.mjs DRIVER DESCRIPTION COMMIT` makes a driver's `fixtures/api.json`: of the provider's official
// API description (OpenAPI 3.0, YAML or JSON) what the driver's contract test needs. For each operation that the driver
// uses: parameters, what can be filtered by, the schema of the body, an answer put together from the examples of its fields, and
// the words that its fields can hold. Prose is left out. COMMIT is the description's, in the repository named below.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const { parse } = createRequire(join(root, "packages/control/package.json"))("yaml");

const linode = "/linode/instances/{linodeId}";
const incus = "/1.0/instances/{name}";

/** What each driver asks for. A path of which the description has a variant with `?recursion=1` is named with it. */
const drivers = {
  linode: {
    repository: "https://github.com/linode/linode-api-docs",
    licence: "Apache-2.0",
    prefix: "/{apiVersion}",
    operations: [
      "GET /profile",
      "GET /regions",
      "GET /regions/availability",
      "GET /linode/types",
      "GET /images",
      "POST /images",
      "GET /images/{imageId}",
      "DELETE /images/{imageId}",
      "GET /linode/instances",
      "POST /linode/instances",
      `GET ${linode}`,
      `PUT ${linode}`,
      `DELETE ${linode}`,
      `POST ${linode}/boot`,
      `POST ${linode}/reboot`,
      `POST ${linode}/shutdown`,
      `POST ${linode}/resize`,
      `GET ${linode}/disks`,
      `GET ${linode}/backups`,
      `POST ${linode}/backups`,
      `POST ${linode}/backups/enable`,
      `POST ${linode}/backups/{backupId}/restore`,
      "GET /account/events",
    ],
  },
  incus: {
    repository: "https://github.com/lxc/incus",
    licence: "Apache-2.0",
    prefix: "",
    operations: [
      "GET /1.0",
      "GET /1.0/cluster/members?recursion=1",
      "GET /1.0/events",
      "GET /1.0/images?recursion=1",
      "POST /1.0/images",
      "GET /1.0/images/aliases/{name}",
      "GET /1.0/images/{fingerprint}",
      "DELETE /1.0/images/{fingerprint}",
      "GET /1.0/instances?recursion=1",
      "POST /1.0/instances",
      `GET ${incus}`,
      `PUT ${incus}`,
      `PATCH ${incus}`,
      `DELETE ${incus}`,
      `GET ${incus}/state`,
      `PUT ${incus}/state`,
      `GET ${incus}/snapshots?recursion=1`,
      `POST ${incus}/snapshots`,
      "GET /1.0/operations?recursion=1",
      "GET /1.0/operations/{id}",
      "GET /1.0/operations/{id}/wait",
    ],
  },
};

const KEPT = new Set(
  "type enum format pattern minimum maximum minLength maxLength minItems maxItems uniqueItems required".split(" "),
);

const [driverName, file, commit] = process.argv.slice(2);
const driver = drivers[driverName];
if (driver === undefined || file === undefined || commit === undefined) {
  console.error(`usage: provider-fixtures.mjs ${Object.keys(drivers).join("|")} DESCRIPTION COMMIT`);
  process.exit(2);
}
const text = readFileSync(file, "utf8");
const description = file.endsWith(".json") ? JSON.parse(text) : parse(text, { maxAliasCount: -1 });

const fixture = {
  source: {
    title: description.info.title,
    version: description.info.version,
    repository: driver.repository,
    commit,
    licence: driver.licence,
    changes: "Cut down to the operations that the driver uses, without prose, by scripts/provider-fixtures.mjs.",
  },
  operations: Object.fromEntries(driver.operations.map((name) => [name, operationOf(name)])),
};
const target = join(root, "packages/control/src/providers", driverName, "fixtures/api.json");
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, JSON.stringify(fixture));
const format = spawnSync(join(root, "node_modules/.bin/oxfmt"), [target], { stdio: "inherit" });
process.exit(format.status ?? 1);

function operationOf(name) {
  const [method, path] = name.split(" ");
  const item = description.paths[driver.prefix + path];
  const operation = item?.[method.toLowerCase()];
  if (operation === undefined) throw new RangeError(`${file} has no ${name}`);
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(deref);
  const success = Object.keys(operation.responses).find((status) => /^[12]/.test(status));
  const answer = contentOf(operation.responses[success]);
  const failure = contentOf(operation.responses.default ?? operation.responses["400"] ?? operation.responses["500"]);
  const body = operation.requestBody === undefined ? undefined : deref(operation.requestBody);
  const filterable = answer === undefined ? [] : filterableOf(deref(answer));
  return {
    query: Object.fromEntries(
      parameters.filter((each) => each.in === "query").map((each) => [each.name, schemaOf(each.schema)]),
    ),
    headers: parameters.filter((each) => each.in === "header").map((each) => each.name.toLowerCase()),
    ...(filterable.length === 0 ? {} : { filterable }),
    ...(body === undefined ? {} : { body: { required: body.required === true, schema: schemaOf(contentOf(body)) } }),
    answer: {
      status: Number(success),
      ...(answer === undefined ? {} : { example: exampleOf(answer), words: Object.fromEntries(wordsOf(answer, "")) }),
    },
    refusal: exampleOf(failure),
  };
}

function deref(value) {
  let at = value;
  while (at?.$ref !== undefined) {
    at = at.$ref
      .slice(2)
      .split("/")
      .reduce((node, key) => node[key], description);
  }
  return at;
}

function contentOf(holder) {
  const { content } = deref(holder);
  return content === undefined ? undefined : Object.values(content)[0]?.schema;
}

/** Of a request, as plain JSON Schema: parts are made one, fields of answers are left out, and what is not named is refused. */
function schemaOf(given) {
  const source = merged(deref(given));
  const schema = Object.fromEntries(Object.entries(source).filter(([key]) => KEPT.has(key)));
  if (source.items !== undefined) schema.items = schemaOf(source.items);
  for (const key of ["oneOf", "anyOf"]) {
    if (source[key] !== undefined) schema[key] = source[key].map((each) => schemaOf(each));
  }
  if (source.properties !== undefined) {
    const properties = Object.entries(source.properties).filter(([, property]) => deref(property).readOnly !== true);
    schema.properties = Object.fromEntries(properties.map(([name, property]) => [name, schemaOf(property)]));
  }
  if (typeof source.additionalProperties === "object") {
    schema.additionalProperties = schemaOf(source.additionalProperties);
  } else if (source.properties !== undefined) {
    schema.additionalProperties = false;
  }
  if (source.nullable === true && schema.type !== undefined) {
    schema.type = [schema.type, "null"];
    if (schema.enum !== undefined) schema.enum = [...schema.enum, null];
  }
  return schema;
}

/** `allOf` as one schema: its parts may each forbid what the others name. */
function merged(source) {
  if (source.allOf === undefined) return source;
  const parts = source.allOf.map((each) => merged(deref(each)));
  const { allOf: _, ...own } = source;
  return [...parts, own].reduce((all, part) => ({
    ...all,
    ...part,
    ...(all.properties === undefined && part.properties === undefined
      ? {}
      : { properties: { ...all.properties, ...part.properties } }),
    required: [...new Set([...(all.required ?? []), ...(part.required ?? [])])],
  }));
}

/** Linode marks in prose what `X-Filter` can name. */
function filterableOf(answer) {
  const item = deref(merged(answer).properties?.data)?.items;
  return item === undefined ? [] : namesMarked(merged(deref(item)), "");
}

function namesMarked(schema, before) {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const { description: prose, properties } = deref(property);
    const own = prose?.includes("__Filterable__") === true ? [before + name] : [];
    return properties === undefined ? own : [...own, ...namesMarked(deref(property), `${before}${name}.`)];
  });
}

/** The words of each field that has a fixed choice, by its path. */
function wordsOf(given, path) {
  const source = merged(deref(given));
  const own = source.enum === undefined ? [] : [[path, source.enum]];
  const inner = Object.entries(source.properties ?? {}).flatMap(([name, property]) =>
    wordsOf(property, path === "" ? name : `${path}.${name}`),
  );
  return [...own, ...inner, ...(source.items === undefined ? [] : wordsOf(source.items, path))];
}

/** Put together from the examples of the fields; a field without one gets its type's empty value. */
function exampleOf(given) {
  const source = merged(deref(given));
  if (source.example !== undefined) return source.example;
  if (source.properties !== undefined) {
    const { properties } = source;
    return Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, exampleOf(property)]));
  }
  if (source.items !== undefined) return [exampleOf(source.items)];
  if (typeof source.additionalProperties === "object") return { example: exampleOf(source.additionalProperties) };
  if (source.enum !== undefined) return source.enum[0];
  return { object: {}, string: "", integer: 0, number: 0, boolean: false }[source.type] ?? null;
}
