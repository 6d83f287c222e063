import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from "playwright-core";
import { chromiumPath } from "./chromium.ts";

/** Waits end then; they are for what the visitor sees, and say nothing of how quick it is. */
const waitMaxMs = 30_000;

/** One browser; each visitor is a profile of its own in it. */
export class Visitors {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async arrive(): Promise<Visitors> {
    return new Visitors(await chromium.launch({ executablePath: chromiumPath() }));
  }

  async leave(): Promise<void> {
    await this.#browser.close();
  }

  /** A person at the address `url`, who has never been there. */
  async visitor(url: string, options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await this.#browser.newContext({
      baseURL: `${url}/`,
      viewport: { width: 1280, height: 800 },
      locale: "en-GB",
      timezoneId: "UTC",
      reducedMotion: "reduce",
      ...options,
    });
    context.setDefaultTimeout(waitMaxMs);
    return new Visitor(await context.newPage(), new URL(options.baseURL ?? url).host);
  }
}

/** What the browser reports of itself when an answer is 4xx: no fault of the page, which says it in its own words. */
const refusal = /^Failed to load resource: the server responded with a status of 4\d\d/;

/** A person with a page open. Whatever the browser complains of, and every request that leaves the server, is kept. */
export class Visitor {
  readonly page: Page;
  /** Errors of the console and of scripts, breaches of the content security policy among them. */
  readonly complaints: string[] = [];
  /** Addresses that were asked for and are not the server's. */
  readonly strayed: string[] = [];
  readonly #allowed = [refusal];

  constructor(page: Page, host: string) {
    this.page = page;
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !this.#allowed.some((each) => each.test(text))) this.complaints.push(text);
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.context().on("request", (request) => {
      const { protocol, host: asked } = new URL(request.url());
      if (protocol !== "blob:" && asked !== host) this.strayed.push(request.url());
    });
  }

  /** Complaints that belong to what is done to the page from here on. */
  allows(complaint: RegExp): void {
    this.#allowed.push(complaint);
  }

  async signIn(token: string): Promise<void> {
    await this.page.goto("instances");
    await this.page.getByLabel("Access token").fill(token);
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await this.sees(this.heading("Instances"));
  }

  /** Goes to a screen, as by its address. */
  async open(path: string): Promise<void> {
    await this.page.goto(path);
  }

  heading(name: string | RegExp): Locator {
    return this.page.getByRole("heading", { level: 1, name, ...(typeof name === "string" ? { exact: true } : {}) });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, ...(typeof name === "string" ? { exact: true } : {}) });
  }

  link(name: string | RegExp): Locator {
    return this.page.getByRole("link", { name, ...(typeof name === "string" ? { exact: true } : {}) });
  }

  async sees(what: Locator | string | RegExp): Promise<void> {
    await this.#located(what).first().waitFor();
  }

  async seesNoMore(what: Locator | string | RegExp): Promise<void> {
    await this.#located(what).first().waitFor({ state: "hidden" });
  }

  /** From a menu that a button opens. */
  async choose(button: string | RegExp, item: string | RegExp): Promise<void> {
    await this.button(button).click();
    await this.page.getByRole("menuitem", { name: item, ...(typeof item === "string" ? { exact: true } : {}) }).click();
  }

  #located(what: Locator | string | RegExp): Locator {
    return typeof what === "string" || what instanceof RegExp ? this.page.getByText(what) : what;
  }
}
