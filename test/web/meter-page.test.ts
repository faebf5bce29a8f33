// Goal: a meter's page says what the API says, also on the days of 23 and 25 hours; by mouse and by keyboard alone.
// Method: a real browser on the real process; every number is compared with the API's.
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openChromium } from "../support/web/chromium.ts";
import { boxOf, openPage, pagesServed, shown } from "../support/web/opened-page.ts";
import { shownClock } from "../support/web/shown-meters.ts";

interface Curve {
  readonly items: readonly { from: string; to: string; consumption: number | null; quality: string }[];
}

const clock = shownClock();
const dateOf = (at: number) => {
  const { year, month, day } = clock.dateOf(at);
  return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
};

describe.skipIf(inject("pages") === undefined)("the page of a meter", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium();
  });
  afterAll(() => browser.close());

  async function get<Answer>(path: string): Promise<Answer> {
    const response = await fetch(pagesServed().address + path);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as Answer;
  }
  async function curve(meterId: string, from: number, to: number, resolution = "PT15M"): Promise<Curve> {
    const [start, end] = [from, to].map((at) => new Date(at * 1000).toISOString());
    return get(`/v1/meters/${meterId}/curve?register=1.8.0&from=${start}&to=${end}&resolution=${resolution}`);
  }
  const kwh = (value: number | null) =>
    value === null ? "–" : (value / 1000).toLocaleString("en", { minimumFractionDigits: 3, maximumFractionDigits: 3 });

  test("the table, the sum and the download have the API's numbers, and nothing where it knows nothing", async () => {
    const { meterId, from } = pagesServed().meters.holes;
    const [first, last] = [clock.addDays(from, 1), clock.addDays(from, 3)];
    const { page, complaints, close } = await openPage(
      browser,
      `/meters/${meterId}?from=${dateOf(first)}&to=${dateOf(last)}&show=table`,
    );
    const { items } = await curve(meterId, first, last);
    const gap = items.findIndex(({ consumption }) => consumption === null);
    expect([items.length, gap]).toEqual([(last - first) / 900, 40]);
    expect(await row(page, 0)).toContain(`${kwh(items[0]?.consumption ?? null)}|actual`);
    await scrollTo(page, gap);
    expect(await row(page, gap)).toContain("–|missing");
    await scrollTo(page, 96 + 32);
    expect(await row(page, 96 + 32)).toContain("0.120|estimated");
    const sum = items.reduce((total, { consumption }) => total + (consumption ?? 0), 0);
    expect(await page.locator(".figure dd").first().textContent()).toBe(`${kwh(sum)} kWh`);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download what is shown as CSV" }).click(),
    ]);
    const [header, ...lines] = readFileSync(await download.path(), "utf8")
      .trimEnd()
      .split("\n");
    expect(header).toBe("meter_id,register,unit,from,to,consumption,quality");
    expect(lines).toEqual(
      items.map((item) => [meterId, "1.8.0", "Wh", item.from, item.to, item.consumption ?? "", item.quality].join(",")),
    );
    expect(complaints).toEqual([]);
    await close();
  });

  test.for(["spring", "autumn"] as const)("the day on which clocks change in %s is whole", async (season) => {
    const { meterId, ...days } = pagesServed().meters.clockDays;
    const day = days[season];
    const next = clock.addDays(day, 1);
    const { items } = await curve(meterId, day, next);
    expect(items.map(({ consumption }) => consumption)).toEqual(
      Array.from({ length: season === "spring" ? 92 : 100 }, (_, i) => i + 1),
    );
    const path = `/meters/${meterId}?from=${dateOf(day)}&to=${dateOf(next)}`;
    const { page, close } = await openPage(browser, `${path}&show=table`);
    expect(await page.locator(".rows").getAttribute("aria-rowcount")).toBe(String(items.length + 1));
    await scrollTo(page, 12);
    const [zone, late] = season === "spring" ? ["EEST", "04:00"] : ["EEST", "03:00"];
    expect(await row(page, 12)).toMatch(new RegExp(`, ${late} ${zone}\\|`));
    if (season === "autumn") {
      await scrollTo(page, 16);
      expect(await row(page, 16)).toMatch(/, 03:00 EET\|03:15\|0\.017\|/);
    }
    await page.goto(`${pagesServed().address}${path}&show=heat`);
    await shown(page);
    expect(await cellAt(page, 0.25, 3.1)).toMatch(season === "spring" ? /not on the clock/ : /0\.013 kWh/);
    expect(await cellAt(page, 0.75, 3.1)).toMatch(season === "spring" ? /not on the clock/ : /0\.017 kWh/);
    expect(await cellAt(page, 0.5, 23.9)).toMatch(season === "spring" ? /0\.092 kWh/ : /0\.100 kWh/);
    await close();
  });

  test("by keyboard alone: found, opened, walked over, zoomed, and back", async () => {
    const { page, close } = await openPage(browser, "/");
    await page.keyboard.press("/");
    await page.locator("[role=combobox]:focus").waitFor();
    await page.keyboard.type("sim-00001");
    await page.locator("[role=option]", { hasText: "sim-000016" }).waitFor();
    for (let i = 0; i < 10; i += 1) {
      if ((await page.locator("[aria-selected=true]").textContent())?.startsWith("sim-000016")) break;
      await page.keyboard.press("ArrowDown");
    }
    await page.keyboard.press("Enter");
    await page.waitForURL("**/meters/sim-000016");
    await shown(page);
    for (let i = 0; i < 40 && (await focused(page)) !== "plot"; i += 1) await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("plot");
    await page.keyboard.press("Home");
    const first = (await page.locator(".readout").textContent()) ?? "";
    await page.keyboard.press("ArrowRight");
    const second = (await page.locator(".readout").textContent()) ?? "";
    const from = clock.addDays(clock.dayOf(Date.now() / 1000), -6);
    const { items } = await curve("sim-000016", from, from + 1800);
    expect(first).toContain(`${kwh(items[0]?.consumption ?? null)} kWh`);
    expect(second).toContain(`${kwh(items[1]?.consumption ?? null)} kWh`);
    await page.keyboard.press("+");
    await page.waitForURL("**/meters/sim-000016?*");
    const zoomed = new URL(page.url()).searchParams;
    expect(Date.parse(String(zoomed.get("to"))) - Date.parse(String(zoomed.get("from")))).toBeLessThan(7 * 86_400_000);
    await page.goBack();
    await page.waitForURL("**/meters/sim-000016");
    await close();
  });

  test("dragging over a stretch shows that stretch, and its address shows it to another", async () => {
    const { page, close } = await openPage(browser, "/meters/sim-000016");
    const box = await boxOf(page.locator(".u-over"));
    await page.mouse.move(box.x + box.width * 0.2, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.4, box.y + 60, { steps: 6 });
    await page.mouse.up();
    await page.waitForURL("**/meters/sim-000016?*");
    await shown(page);
    const hours = await page.evaluate<number>(
      "(() => { const q = new URLSearchParams(location.search); return (Date.parse(q.get('to')) - Date.parse(q.get('from'))) / 3600000; })()",
    );
    expect(hours).toBeGreaterThan(0.15 * 168);
    expect(hours).toBeLessThan(0.25 * 168);
    const other = await openPage(browser, new URL(page.url()).pathname + new URL(page.url()).search);
    const figures = (opened: Page) => opened.locator(".figures").textContent();
    expect(await figures(other.page)).toBe(await figures(page));
    await other.close();
    await close();
  });

  test("month ends are the issued ones, and each leads to why", async () => {
    const { items } = await get<{ items: { period: string; registers: { consumption: number; value: number }[] }[] }>(
      "/v1/meters/sim-000016/snapshots",
    );
    const { page, close } = await openPage(browser, "/meters/sim-000016");
    const shownRows = await page.locator(".table tbody tr").allTextContents();
    const rows = items.flatMap(({ registers }) => registers);
    expect(shownRows).toHaveLength(rows.length);
    rows.forEach(({ consumption, value }, i) => {
      expect(shownRows[i]).toContain(kwh(consumption));
      expect(shownRows[i]).toContain(kwh(value));
    });
    await page.locator(".table tbody a").first().click();
    await page.waitForURL(`**/months/${items[0]?.period}`);
    await shown(page);
    const why = await page.locator(".why").first().textContent();
    expect(why).toContain(`The meter itself reported ${kwh(rows[0]?.value ?? null)} kWh`);
    expect(why).toContain(`${kwh(rows[0]?.consumption ?? null)} kWh`);
    await close();
  });

  test("compared with another meter that nobody knows, the rest is shown and the fault is told", async () => {
    const { page, close } = await openPage(browser, "/meters/sim-000016?compare=sim-000002,nobody");
    expect(await page.locator(".legend").textContent()).toContain("sim-000002");
    expect(await page.locator(".notice").textContent()).toContain("nobody");
    await close();
  });
});

async function row(page: Page, index: number): Promise<string> {
  const cells = await page.locator(`[aria-rowindex="${index + 2}"] > span`).allTextContents();
  return cells.map((text) => text.trim()).join("|");
}

async function scrollTo(page: Page, index: number): Promise<void> {
  await page.evaluate(`document.querySelector(".rows").scrollTo(0, ${index * 36})`);
  await page.locator(`[aria-rowindex="${index + 2}"]`).waitFor();
}

/** What the heat map says of a place: a part of the day's column, and an hour. */
async function cellAt(page: Page, part: number, hour: number): Promise<string> {
  const canvas = page.locator(".heat canvas");
  const box = await boxOf(canvas);
  await canvas.hover({ position: { x: box.width * part, y: (box.height * hour) / 24 } });
  return (await page.locator(".heat .readout").textContent()) ?? "";
}

async function focused(page: Page): Promise<string> {
  return page.evaluate<string>("document.activeElement?.className ?? ''");
}
