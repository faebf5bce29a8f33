import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Locator, Page } from "playwright-core";
import { inject } from "vitest";

export interface Look {
  readonly language: "uk" | "en";
  readonly theme: "light" | "dark";
  readonly width: 360 | 1440;
}

export const plainLook: Look = { language: "en", theme: "light", width: 1440 };

/** A page in a browser of its own, and what it complained of. */
export interface OpenedPage {
  readonly page: Page;
  /** What the console said as an error, and requests to anywhere else. */
  readonly complaints: string[];
  close(): Promise<void>;
}

const locales = { uk: "uk-UA", en: "en-GB" };

export async function openPage(browser: Browser, path: string, look: Look = plainLook): Promise<OpenedPage> {
  const { address } = pagesServed();
  const context = await browser.newContext({
    viewport: { width: look.width, height: 900 },
    colorScheme: look.theme,
    locale: locales[look.language],
    acceptDownloads: true,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(address)) complaints.push(request.url());
  });
  await page.goto(address + path);
  await shown(page);
  return { page, complaints, close: () => context.close() };
}

/**
 * Until nothing is on its way, in several pictures one after another: what a page asks for begins behind its heading.
 */
export async function shown(page: Page): Promise<void> {
  await page.waitForSelector("main h1");
  await page.evaluate(`new Promise((done) => {
    let still = 0;
    const look = () => {
      still = document.querySelector(".skeleton, [aria-busy=true]") === null ? still + 1 : 0;
      if (still === 4) done(true);
      else requestAnimationFrame(look);
    };
    look();
  })`);
}

/** Where something stands, as soon as it is seen. Its element can be made anew while what it shows arrives. */
export async function boxOf(place: Locator) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    await place.waitFor();
    const box = await place.boundingBox();
    if (box !== null) return box;
    if (Date.now() > deadline) throw new Error("what is looked for has no place on the page");
  }
}

export function pagesServed() {
  const served = inject("pages");
  if (served === undefined) throw new Error("there is no browser here");
  return served;
}

const pictures = fileURLToPath(new URL("../../../.cache/pages/", import.meta.url));

/** Pictures of a run are looked at and not kept in git. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}
