// Goal: every page works in both languages and themes, on a desk and on a telephone, and for who sees or points
// otherwise.
// Method: a real browser on the real process with the simulated fleet; axe looks at each page.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openChromium } from "../support/web/chromium.ts";
import { type Look, openPage, pagesServed, picture } from "../support/web/opened-page.ts";
import { monthOver } from "../support/web/shown-meters.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const looks = (["uk", "en"] as const).flatMap((language) =>
  (["light", "dark"] as const).flatMap((theme) =>
    ([360, 1440] as const).map((width): Look => ({ language, theme, width })),
  ),
);

const october = "from=2026-10-01&to=2026-11-01";
const pages = [
  ["start", "/"],
  ["curve", "/meters/sim-000016"],
  ["holes", "/meters/holes-1?compare=sim-000002,sim-000003"],
  ["heat-map", "/meters/year-1?show=heat&from=YEAR"],
  ["load-duration", `/meters/sim-000001?${october}&show=duration`],
  ["typical-day", `/meters/sim-000001?${october}&show=typical`],
  ["table", "/meters/sim-000016?show=table&compare=month"],
  ["month-end", "/meters/sim-000016/months/LAST"],
  ["usage-point", "/usage-points/sim-000016"],
  ["statement", "/usage-points/sim-000016/months/LAST"],
  ["no-usage-point", "/usage-points/nobody"],
  ["months", "/months"],
  ["board", "/months/LAST"],
  ["groups", "/groups"],
  ["feeder", "/groups/feeder:F-1?compare=month"],
  ["fleet", "/groups/fleet"],
  ["unknown-group", "/groups/feeder:nobody"],
  ["intake", "/intake"],
  ["findings", "/findings"],
  ["doubts", "/meters/doubt-1?from=DOUBT"],
  ["doubted-month", "/meters/doubt-1/months/LAST"],
  ["unknown-meter", "/meters/nobody"],
  ["not-found", "/nowhere"],
] as const;

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

describe.skipIf(inject("pages") === undefined)("every page", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium();
  });
  afterAll(() => browser.close());

  test.for(pages.flatMap(([name, path]) => looks.map((look) => ({ name, path, ...look }))))(
    "$name in $language, $theme, $width px",
    async ({ name, path, ...look }) => {
      const { page, complaints, close } = await openPage(browser, await addressOf(path), look);
      if (name === "intake") await page.locator("details.entry summary").first().click();
      if (name === "doubts") await page.locator(".doubts tbody tr").first().waitFor();
      expect(await page.locator("html").getAttribute("lang")).toBe(look.language);
      await picture(page, `${name}-${look.language}-${look.theme}-${look.width}`);
      const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      expect(wide).toBeLessThanOrEqual(0);
      expect(await serious(page)).toEqual([]);
      // The browser itself says so of an answer with 404, which these two pages are there for.
      const own = complaints.filter((text) => !/status of 404/.test(text));
      expect(own).toEqual([]);
      await close();
    },
  );

  async function serious(page: Awaited<ReturnType<typeof openPage>>["page"]): Promise<string[]> {
    // As the browser's own tools do: a script of the page would be refused by its policy.
    const session = await page.context().newCDPSession(page);
    const expression = `${axe}; axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }).then(({ violations }) => JSON.stringify(violations))`;
    const { result } = await session.send("Runtime.evaluate", { expression, awaitPromise: true });
    const findings = JSON.parse(String(result.value)) as Finding[];
    return findings
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`,
      );
  }
});

/** The last month that is over, and a year back, as of today. */
async function addressOf(path: string): Promise<string> {
  const now = new Date();
  const year = new Date(now.getTime() - 365 * 86_400_000).toISOString().slice(0, 10);
  const doubt = pagesServed().meters.doubt.at;
  const day = (days: number) => new Date((doubt + days * 86_400) * 1000).toISOString().slice(0, 10);
  return path
    .replace("DOUBT", `${day(-3)}&to=${day(4)}`)
    .replace("LAST", monthOver(1))
    .replace("YEAR", `${year}&to=${now.toISOString().slice(0, 10)}`);
}
