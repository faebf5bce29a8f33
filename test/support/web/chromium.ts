import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/** A browser that is here already: none is fetched. */
export function chromiumHere(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

export const howToHaveChromium = "Debian: apt-get install chromium";

/** Root, as in a container, may not use the sandbox of the browser. */
export async function openChromium(): Promise<Browser> {
  const executablePath = chromiumHere();
  if (executablePath === undefined) throw new Error(`there is no Chromium here (to have it: ${howToHaveChromium})`);
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({ executablePath, args: isRoot ? ["--no-sandbox"] : [] });
}
