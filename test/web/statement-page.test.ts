// Goal: the pages of a usage point say what the API's statement says, and lead from a place to its month and back.
// Method: a real browser on the real process; every number is compared with the API's.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openChromium } from "../support/web/chromium.ts";
import { openPage, pagesServed, shown } from "../support/web/opened-page.ts";
import { monthOver } from "../support/web/shown-meters.ts";

interface Statement {
  readonly period: string;
  readonly hash: string;
  readonly registers: readonly {
    readonly register: string;
    readonly consumption: number;
    readonly segments: readonly { readonly opening: number; readonly closing: number }[];
  }[];
}

const kwh = (value: number) =>
  (value / 1000).toLocaleString("en", { minimumFractionDigits: 3, maximumFractionDigits: 3 });

/** The two months that the simulated fleet has reported, the newest first. */
const months = [1, 2].map(monthOver);

async function statement(id: string, period: string): Promise<Statement> {
  const response = await fetch(`${pagesServed().address}/v1/usage-points/${id}/statements/${period}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Statement;
}

describe.skipIf(inject("pages") === undefined)("the pages of a usage point", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium();
  });
  afterAll(() => browser.close());

  test("each month has what its statement says, beside the month before, and leads to it", async () => {
    const [newest, before] = await Promise.all(months.map((period) => statement("sim-000016", period)));
    const { page, close } = await openPage(browser, "/usage-points/sim-000016");
    const rows = await page.locator(".table tbody tr").allTextContents();
    const expected = [newest, before].flatMap((one) => one?.registers ?? []);
    expect(rows).toHaveLength(expected.length);
    expected.forEach(({ consumption }, i) => expect(rows[i]).toContain(`${kwh(consumption)} kWh`));
    const [now, then] = [newest, before].map((one) => one?.registers[0]?.consumption ?? Number.NaN);
    const share = Math.abs((now ?? 0) / (then ?? 1) - 1);
    const text = share.toLocaleString("en", { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 });
    expect(rows[0]).toContain(`${(now ?? 0) > (then ?? 0) ? "+" : "−"}${text}`);
    await page.locator(".table tbody a").first().click();
    await page.waitForURL(`**/usage-points/sim-000016/months/${newest?.period}`);
    await shown(page);
    for (const { register, consumption, segments } of newest?.registers ?? []) {
      const panel = page.locator("section.reading", {
        has: page.getByRole("heading", { name: register, exact: true }),
      });
      const panelText = await panel.textContent();
      for (const { opening, closing } of segments)
        expect(panelText).toContain(`${kwh(closing)} kWh − ${kwh(opening)} kWh`);
      expect(await panel.locator(".sum-total dd").textContent()).toBe(`${kwh(consumption)} kWh`);
      expect(await panel.locator(".why").first().textContent()).toContain(`${kwh(consumption)} kWh`);
    }
    expect(await page.locator(".hash code").textContent()).toBe(newest?.hash);
    await close();
  });

  test("a meter's page and a month's page lead to the place, which is then among the recent ones", async () => {
    const { page, complaints, close } = await openPage(browser, `/meters/sim-000016/months/${months[0]}`);
    await page.getByRole("link", { name: "Usage point sim-000016" }).click();
    await page.waitForURL(`**/usage-points/sim-000016/months/${months[0]}`);
    await shown(page);
    await page.getByRole("link", { name: "sim-000016", exact: true }).first().click();
    await page.waitForURL("**/usage-points/sim-000016");
    await shown(page);
    await page.keyboard.press("/");
    await page.locator("[role=combobox]:focus").waitFor();
    await page.locator("[role=option]", { hasText: "Usage point" }).waitFor();
    expect(complaints.filter((text) => !/status of 404/.test(text))).toEqual([]);
    await close();
  });
});
