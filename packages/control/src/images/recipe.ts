import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** What an image's builder runs besides the user's script (C2). */
export interface Recipe {
  /** Makes the system a golden one; empty where only the user's script counts. */
  recipe: string;
  /** Takes out what belongs to the builder alone. */
  cleanUp: string;
}

/** Files that a golden image has, and what each may be. */
const installed = [
  { file: "provost-first-boot", path: "/usr/local/sbin/provost-first-boot", mode: "755" },
  { file: "provost-image-clean", path: "/usr/local/sbin/provost-image-clean", mode: "755" },
  { file: "provost-first-boot.service", path: "/etc/systemd/system/provost-first-boot.service", mode: "644" },
  { file: "10-incus", path: "/etc/provost/first-boot.d/10-incus", mode: "755" },
] as const;

/** Behind the files. cloud-init would run the user data as well, seconds later. */
const finish = `systemctl --quiet enable provost-first-boot.service
if [ -e /lib/systemd/system/incus-startup.service ]; then systemctl --quiet disable incus-startup.service; fi
systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer
if [ -d /etc/cloud ]; then : > /etc/cloud/cloud-init.disabled; fi
`;

/** The recipe that comes with Provost, read from the same files as the one of `images/golden-debian`. */
export function goldenRecipe(): Recipe {
  const files = installed.map(
    ({ file, path, mode }) => `install_file ${path} ${mode} << 'END_OF_FILE'\n${guestFile(file)}END_OF_FILE\n`,
  );
  return { recipe: [guestFile("golden-recipe"), ...files, finish].join(""), cleanUp: guestFile("provost-image-clean") };
}

/** Without the recipe: the user's script alone, cleaned up all the same. */
export function plainRecipe(): Recipe {
  return { recipe: "", cleanUp: guestFile("provost-image-clean") };
}

/** Of all that the builder runs, 12 hex digits: the same for the same recipe and script. */
export function recipeHash({ recipe, cleanUp }: Recipe, script: string): string {
  return createHash("sha256")
    .update(JSON.stringify([recipe, script, cleanUp]))
    .digest("hex")
    .slice(0, 12);
}

/** Without comment lines: user data is short at most providers. The first line says who runs it. */
function guestFile(name: string): string {
  const text = readFileSync(new URL(`../../guest/${name}`, import.meta.url), "utf8");
  return text.replaceAll(/^\s*#(?!!).*\n/gm, "");
}
