import type { Catalog } from "@provost/contract";

/** What a bake starts from when nothing is named: the newest public Debian. Undefined where there is none: the account's default. */
export function baseImage(images: Catalog["images"]): string | undefined {
  const versions = images.flatMap(({ id, kind }) => {
    const version = kind === "public" ? /debian[-/_ ]?(\d{1,3})\b/i.exec(id)?.[1] : undefined;
    return version === undefined ? [] : [{ id, version: Number(version) }];
  });
  return versions.toSorted((one, other) => other.version - one.version)[0]?.id;
}
