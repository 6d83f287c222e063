import { existsSync, openAsBlob } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { IncusApi } from "../../packages/control/src/providers/incus/api.ts";
import { ProviderError } from "../../packages/control/src/providers/provider-error.ts";
import { run } from "./command.ts";
import { ensureEnvironment } from "./daemon.ts";
import { EnvironmentError } from "./environment-error.ts";
import { isMain, reportFailure } from "./main.ts";

/** The alias that always points to the golden image of the recipe in this checkout. */
export const GOLDEN_ALIAS = "provost-golden-debian";

const CHECKOUT = join(import.meta.dirname, "../..");
const RECIPE = join(CHECKOUT, "images/golden-debian/build.sh");
const CACHE = join(CHECKOUT, ".cache/golden");
const BUILD_TIMEOUT_MS = 2_400_000;
const IMPORT_S = 300;

const aliasShape = z.object({ target: z.string() });
const uploadShape = z.object({
  type: z.string(),
  error: z.string().nullish(),
  metadata: z.object({ id: z.string() }).nullish(),
});

/**
 * Makes sure that the daemon has the golden image of this very recipe, and that `provost-golden-debian` points to it.
 * Made once for each state of the recipe: the hash of its inputs names the files in `.cache/golden` and the alias
 * `provost-golden-<hash>`. Gives the alias to deploy from. Throws `EnvironmentError`.
 */
export async function ensureGoldenImage(socket: string, say: (line: string) => void = console.log): Promise<string> {
  const hash = (await run("bash", [RECIPE, "--hash"], 30_000)).trim();
  const hashAlias = `provost-golden-${hash}`;
  const api = new IncusApi({ socket, requestTimeoutMs: 60_000 });
  try {
    let target = await targetOf(api, hashAlias);
    if (target === undefined) {
      const folder = await built(hash, say);
      say(`importing ${folder}`);
      await upload(api, folder);
      target = await fingerprintOf(api, hash);
      await point(api, hashAlias, target);
    }
    await point(api, GOLDEN_ALIAS, target);
  } finally {
    await api.close();
  }
  return GOLDEN_ALIAS;
}

/** The folder with the image's two files, made now unless it is there. */
async function built(hash: string, say: (line: string) => void): Promise<string> {
  const folder = join(CACHE, hash);
  if (!existsSync(join(folder, "rootfs.squashfs"))) {
    say("making the golden image: takes one to four minutes, once for each state of the recipe");
    await run("bash", [RECIPE, "--output", folder], BUILD_TIMEOUT_MS);
  }
  return folder;
}

/** A split image travels as multipart: `metadata` first, then `rootfs`. */
async function upload(api: IncusApi, folder: string): Promise<void> {
  const form = new FormData();
  form.set("metadata", await openAsBlob(join(folder, "metadata.tar.xz")), "metadata.tar.xz");
  form.set("rootfs", await openAsBlob(join(folder, "rootfs.squashfs")), "rootfs.squashfs");
  const encoded = new Response(form);
  const answer = await new Promise<string>((resolve, reject) => {
    const sent = request(
      {
        socketPath: api.socket,
        path: "/1.0/images",
        method: "POST",
        headers: { "content-type": encoded.headers.get("content-type") ?? "" },
        timeout: IMPORT_S * 1000,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.once("end", () => resolve(text));
        response.once("error", reject);
      },
    );
    sent.once("timeout", () => sent.destroy(new EnvironmentError("e2e_image_refused", `no answer in ${IMPORT_S} s`)));
    sent.once("error", reject);
    if (encoded.body === null) sent.end();
    else pipeline(Readable.fromWeb(encoded.body), sent).catch(reject);
  });
  const { type, error, metadata } = uploadShape.parse(JSON.parse(answer));
  if (type === "error" || !metadata) throw new EnvironmentError("e2e_image_refused", `the daemon says: ${error}`);
  try {
    const done = await api.settled({ id: metadata.id, label: "POST /1.0/images" }, IMPORT_S, {});
    if (!done) throw new EnvironmentError("e2e_image_refused", `the import has not ended within ${IMPORT_S} s`);
  } catch (failure) {
    // Another process has imported the same files meanwhile.
    if (!(failure instanceof ProviderError && failure.code === "provider_name_taken")) throw failure;
  }
}

async function fingerprintOf(api: IncusApi, hash: string): Promise<string> {
  const shape = z.array(z.object({ fingerprint: z.string(), properties: z.record(z.string(), z.string()).nullable() }));
  const images = await api.sync({ method: "GET", path: "/1.0/images", query: { recursion: "1" } }, shape, {});
  const found = images.find((each) => each.properties?.["provost.golden"] === hash);
  if (found === undefined) {
    throw new EnvironmentError(
      "e2e_image_refused",
      `the imported image has no property provost.golden=${hash}; import it anew`,
    );
  }
  return found.fingerprint;
}

async function targetOf(api: IncusApi, alias: string): Promise<string | undefined> {
  try {
    return (await api.sync({ method: "GET", path: `/1.0/images/aliases/${alias}` }, aliasShape, {})).target;
  } catch (error) {
    if (error instanceof ProviderError && error.httpStatus === 404) return undefined;
    throw error;
  }
}

async function point(api: IncusApi, alias: string, target: string): Promise<void> {
  const current = await targetOf(api, alias);
  if (current === target) return;
  const description = "Provost's golden image";
  await api.settled(
    await api.change(
      current === undefined
        ? { method: "POST", path: "/1.0/images/aliases", body: { name: alias, target, description, type: "container" } }
        : { method: "PUT", path: `/1.0/images/aliases/${alias}`, body: { target, description } },
      {},
    ),
    1,
    {},
  );
}

if (isMain(import.meta.url)) {
  try {
    const { socket } = await ensureEnvironment(console.error);
    console.log(await ensureGoldenImage(socket, console.error));
  } catch (error) {
    reportFailure(error);
  }
}
