import {
  exitCodes,
  imageSchema,
  instanceSchema,
  pageSchema,
  type BakeRequest,
  type ImageView,
  type InstanceEvent,
} from "@provost/contract";
import type { Command } from "commander";
import { argument, limitOption, type Act } from "../action.ts";
import { postOnce } from "../client/post-once.ts";
import type { Context } from "../context.ts";
import { waitFor } from "../follow.ts";
import { examples } from "../help.ts";
import { readScript } from "../input-files.ts";
import { failureFacts } from "../output/failure-report.ts";
import { facts, table } from "../output/table.ts";
import { age, elapsed, shellWord } from "../output/words.ts";
import { readTimeout } from "./deploy.ts";
import { path as instancePath, readLimit } from "./instance.ts";

const imagePage = pageSchema(imageSchema);

interface BakeOptions {
  provider: string;
  from?: string;
  type?: string;
  region?: string;
  script?: string;
  /** False with `--no-recipe`. */
  recipe: boolean;
  detach?: boolean;
  timeout?: string;
}

/** Adds `provost image …`. */
export function addImageCommands(program: Command, act: Act, called: string): void {
  const image = program.command("image").description("bake images, so that deploys are ready in seconds");
  image
    .command("bake")
    .description("make an image: a builder runs recipe and script, its disk becomes the image, the builder goes")
    .argument("<name>", "3–40 of a–z, 0–9 and -, starting with a letter")
    .requiredOption("--provider <name>", "which provider (provost provider list)")
    .option("--from <image>", "image to start from (the provider's newest public Debian, else its golden image)")
    .option("--script <file>", "runs on the builder after the recipe, as root; begins with #!")
    .option("--no-recipe", "leave out Provost's own recipe: the script alone makes the image")
    .option("--type <id>", "type of the builder (the provider's default)")
    .option("--region <id>", "region (the provider's default)")
    .option("--detach", "do not wait")
    .option("--timeout <duration>", "wait no longer than this, like 30m; the bake goes on")
    .addHelpText(
      "after",
      examples(called, [
        "image bake golden-1 --provider sandbox",
        "image bake web-1 --provider sandbox --script web.sh",
      ]),
    )
    .action(act((context, command) => bake(context, argument(command), command.opts<BakeOptions>())));
  image
    .command("list")
    .description("images that Provost has made, newest first")
    .option("--all", "deleted ones too")
    .option(...limitOption)
    .action(act((context, command) => listImages(context, command.opts())));
  image
    .command("show")
    .description("all that is known of an image, and why its bake failed")
    .argument("<image>", "name, or id")
    .action(act((context, command) => showImage(context, argument(command))));
  image
    .command("default")
    .description("let deploys on its provider that name no image start from it")
    .argument("<image>", "name, or id")
    .action(act((context, command) => makeDefault(context, argument(command))));
  image
    .command("delete")
    .description("delete an image, at the provider too; ends a bake under way")
    .argument("<image>", "name, or id")
    .action(act((context, command) => deleteImage(context, argument(command))));
}

async function bake(context: Context, name: string, options: BakeOptions): Promise<number> {
  const timeoutMs = readTimeout(options.timeout);
  const request: BakeRequest = {
    name,
    provider: options.provider,
    recipe: options.recipe,
    ...(options.from === undefined ? {} : { image: options.from }),
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.type === undefined ? {} : { type: options.type }),
    ...(options.script === undefined ? {} : { script: readScript(options.script) }),
  };
  const api = context.api();
  const image = await postOnce(context, api, "/v1/images", request, imageSchema);
  if (options.detach === true) {
    if (context.json) context.out(`${JSON.stringify({ image })}\n`);
    else context.out(`Baking ${context.paint.bold(name)}: ${context.command} image show ${shellWord(name)}\n`);
    return exitCodes.done;
  }
  if (!context.json) {
    context.out(
      `Baking ${context.paint.bold(name)} on ${image.provider}, from ${image.base}: ${image.type}, ${image.region}\n`,
    );
  }
  const builder = await api.get(instancePath(image.builderId), instanceSchema);
  // The builder is gone at the end, however the bake went; when its destroy is given up, a note says so. Notes before the
  // destroy begins say nothing of it: a failed builder is not yet a destroyed one.
  let destroying = false;
  const ends = async ({ kind }: InstanceEvent): Promise<boolean> => {
    destroying ||= kind === "destroying";
    return (
      kind === "destroyed" ||
      (kind === "note" &&
        destroying &&
        (await api.get(instancePath(builder.id), instanceSchema)).status !== "destroying" &&
        (await api.get(path(image.id), imageSchema)).status !== "baking")
    );
  };
  try {
    await waitFor(context, api, builder, { after: 0, ends, timeoutMs });
  } catch (error) {
    if (!context.interrupted.aborted) throw error;
    context.terminal.err(`\nThe bake goes on without this command: ${context.command} image show ${shellWord(name)}\n`);
    return exitCodes.interrupted;
  }
  return baked(context, await api.get(path(image.id), imageSchema));
}

function baked(context: Context, image: ImageView): number {
  const { paint, command } = context;
  if (context.json) context.out(`${JSON.stringify({ image })}\n`);
  if (image.status !== "available") {
    if (!context.json) context.terminal.err(failureText(context, image));
    return exitCodes.operationFailed;
  }
  if (context.json) return exitCodes.done;
  const took = elapsed(Date.parse(image.availableAt ?? image.createdAt) - Date.parse(image.createdAt));
  context.out(
    `\n${paint.green("✓")} ${paint.bold(image.name)} is baked, after ${took}; its builder is gone.\n` +
      `  ${command} deploy web-1 --provider ${image.provider} --image ${image.name}\n` +
      `  ${command} image default ${image.name}\n`,
  );
  return exitCodes.done;
}

function failureText(context: Context, image: ImageView): string {
  const { failure } = image;
  const step = failure === undefined ? "" : `, in step ${failure.step}`;
  const head = `\n${context.paint.red("✗")} ${context.paint.bold(image.name)} was not baked${step}.\n\n`;
  return failure === undefined ? head : head + failureFacts(context, failure);
}

async function listImages(context: Context, options: { all?: boolean; limit: string }): Promise<number> {
  const query = new URLSearchParams({ limit: readLimit(options.limit) });
  if (options.all === true) query.set("all", "true");
  const page = await context.api().get(`/v1/images?${query.toString()}`, imagePage);
  if (context.json) {
    context.printJson(page);
    return exitCodes.done;
  }
  const { paint, command } = context;
  if (page.items.length === 0) {
    context.out(`Provost has made no images. Bake one: ${command} image bake --help\n`);
    return exitCodes.done;
  }
  const now = Date.now();
  const rows = page.items.map((each) => [
    paint.bold(each.name),
    status(context, each),
    each.golden ? "golden" : "private",
    each.default ? "yes" : undefined,
    each.provider,
    each.providerImageId,
    each.base,
    age(each.createdAt, now),
  ]);
  context.out(table(["Name", "Status", "Kind", "Default", "Provider", "At the provider", "From", "Age"], rows, paint));
  if (page.next !== undefined) context.out("There are more: --limit shows up to 500.\n");
  return exitCodes.done;
}

function status({ paint }: Context, image: ImageView): string {
  if (image.status === "available") return paint.green(image.status);
  if (image.status === "failed") return paint.red(image.status);
  return image.step === undefined ? image.status : `${image.status} (${image.step})`;
}

async function showImage(context: Context, ref: string): Promise<number> {
  const image = await context.api().get(path(ref), imageSchema);
  if (context.json) {
    context.printJson(image);
    return exitCodes.done;
  }
  context.out(
    facts(
      [
        ["Name", context.paint.bold(image.name)],
        ["Id", image.id],
        ["Status", status(context, image)],
        ["Kind", image.golden ? "golden: its first-boot service reports" : "private"],
        ["Default", image.default ? `of ${image.provider}` : undefined],
        ["Provider", image.provider],
        ["At the provider", image.providerImageId],
        ["Needs", image.sizeMb === undefined ? undefined : `a disk of ${image.sizeMb} MB`],
        ["From", image.base],
        ["Recipe", image.recipeHash],
        ["Builder", `${image.builderId}, ${image.type} in ${image.region}`],
        ["Asked for", image.createdAt],
        ["Available", image.availableAt],
        ["Ended", image.endedAt],
      ],
      context.paint,
    ),
  );
  if (image.failure !== undefined) context.out(failureText(context, image));
  return exitCodes.done;
}

async function makeDefault(context: Context, ref: string): Promise<number> {
  const image = await context.api().post(`${path(ref)}/default`, undefined, imageSchema);
  if (context.json) context.printJson(image);
  else {
    const { bold, green } = context.paint;
    context.out(`${green("✓")} Deploys on ${image.provider} that name no image start from ${bold(image.name)}.\n`);
  }
  return exitCodes.done;
}

async function deleteImage(context: Context, ref: string): Promise<number> {
  const image = await context.api().delete(path(ref), imageSchema);
  const { bold, green } = context.paint;
  if (context.json) context.printJson(image);
  else if (image.status === "deleted") context.out(`${green("✓")} ${bold(image.name)} is deleted.\n`);
  else context.out(`The bake of ${bold(image.name)} ends, and its builder is destroyed.\n`);
  return exitCodes.done;
}

function path(ref: string): string {
  return `/v1/images/${encodeURIComponent(ref)}`;
}
