import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/** Bounds of a build (L14): it is held in memory. */
const filesMax = 2_000;
const fileBytesMax = 8 * 1024 * 1024;
/** Smaller ones are not worth the headers. */
const compressBytesMin = 1_024;
/** A build is looked for again this often at most: one made while the server runs shows without a restart. */
const lookEveryMs = 1_000;

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
};
const compressible = /^(text\/|application\/(json|manifest)|image\/svg)/;

export type Encoding = "br" | "gzip";

/** One file of the build, as it is sent. */
export interface SiteFile {
  type: string;
  /** Its name carries a hash of its content: it never changes. */
  hashed: boolean;
  etag: string;
  /** As the client can take it; each encoding is made once, or read from the file that lies beside. */
  body(accepted: readonly Encoding[]): Promise<{ bytes: Buffer; encoding: Encoding | undefined }>;
}

/**
 * A build of the dashboard: `index.html` and what lies beside it. All of it is read when it is first asked for, and a path is looked up among
 * what was read: none can lead out of the folder.
 */
export class Site {
  readonly #folder: string;
  readonly #basePath: string;
  #files = new Map<string, SiteFile>();
  #version = "";
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** `basePath`: under which it is served, without a slash at its end; empty for `/`. */
  constructor(folder: string, basePath: string) {
    this.#folder = folder;
    this.#basePath = basePath;
  }

  /** `path` without its first slash: `assets/main-x1.js`. */
  file(path: string): SiteFile | undefined {
    this.#look();
    return this.#files.get(path);
  }

  /** The page itself, for every address that is the page's own; undefined while there is no build. */
  index(): SiteFile | undefined {
    return this.file("index.html");
  }

  #look(): void {
    const now = performance.now();
    if (now - this.#lookedAt < lookEveryMs) return;
    this.#lookedAt = now;
    const index = statSync(join(this.#folder, "index.html"), { throwIfNoEntry: false });
    const version = index === undefined ? "" : `${index.mtimeMs} ${index.size} ${index.ino}`;
    if (version === this.#version) return;
    // A build that is being written while it is read is read again with the next change of its index.html, which comes last.
    this.#files = version === "" ? new Map() : this.#read();
    this.#version = version;
  }

  #read(): Map<string, SiteFile> {
    const files = new Map<string, SiteFile>();
    const entries = readdirSync(this.#folder, { withFileTypes: true, recursive: true }).filter((each) => each.isFile());
    for (const entry of entries.slice(0, filesMax)) {
      const path = join(entry.parentPath, entry.name);
      const name = relative(this.#folder, path).split(sep).join("/");
      const type = types[extname(name)];
      if (type === undefined || (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > fileBytesMax) continue;
      const bytes = readFileSync(path);
      const isIndex = name === "index.html";
      const sent = isIndex ? Buffer.from(withBase(bytes.toString("utf8"), this.#basePath)) : bytes;
      files.set(name, siteFile(sent, { type, hashed: name.startsWith("assets/"), ...(isIndex ? {} : { path }) }));
    }
    return files;
  }
}

/** Tells the page under which path it is served: relative addresses in it begin there. */
export function withBase(html: string, basePath: string): string {
  const base = `<base href="${basePath}/" />`;
  const without = html.replace(/[ \t]*<base\b[^>]*>\n?/i, "");
  return without.replace(/<head[^>]*>/i, (head) => `${head}\n    ${base}`);
}

const compressed: Record<Encoding, { ending: string; make: (bytes: Buffer) => Promise<Buffer> }> = {
  br: {
    ending: ".br",
    make: (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  },
  gzip: { ending: ".gz", make: (bytes) => promisify(gzip)(bytes, { level: 9 }) },
};

function siteFile(bytes: Buffer, { type, hashed, path }: { type: string; hashed: boolean; path?: string }): SiteFile {
  const worth = bytes.length >= compressBytesMin && compressible.test(type);
  const made = new Map<Encoding, Promise<Buffer>>();
  const encodedAs = (encoding: Encoding): Promise<Buffer> => {
    const { ending, make } = compressed[encoding];
    const beside = path === undefined ? undefined : `${path}${ending}`;
    const known = made.get(encoding) ?? (beside !== undefined && existsSync(beside) ? read(beside) : make(bytes));
    made.set(encoding, known);
    return known;
  };
  return {
    type,
    hashed,
    etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
    async body(accepted) {
      const [encoding] = worth ? accepted : [];
      if (encoding === undefined) return { bytes, encoding: undefined };
      const encoded = await encodedAs(encoding);
      return encoded.length < bytes.length ? { bytes: encoded, encoding } : { bytes, encoding: undefined };
    },
  };
}

async function read(path: string): Promise<Buffer> {
  return readFileSync(path);
}

/** What an `Accept-Encoding` takes, the best first. */
export function acceptedEncodings(header: string | undefined): Encoding[] {
  const taken = new Set(
    (header ?? "").split(",").flatMap((part) => {
      const [name = "", ...parameters] = part.trim().toLowerCase().split(";");
      return parameters.some((each) => /^\s*q\s*=\s*0(\.0*)?\s*$/.test(each)) ? [] : [name.trim()];
    }),
  );
  return (["br", "gzip"] as const).filter((encoding) => taken.has(encoding));
}
