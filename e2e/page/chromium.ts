import { existsSync } from "node:fs";

/** Where Debian, Ubuntu and others put it. */
const usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** @throws NoChromium where there is none. */
export function chromiumPath(): string {
  const own = process.env["PROVOST_CHROMIUM"];
  const found = (own === undefined ? usual : [own]).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new NoChromium(
    `There is no Chromium at ${own ?? usual.join(", ")}: apt-get install chromium, or say in PROVOST_CHROMIUM where it is.`,
  );
}

export class NoChromium extends Error {
  override readonly name = "NoChromium";
}
