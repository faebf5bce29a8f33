// Goal: who may decides of a doubted reading on the meter's page, and sees what became of it.
// Method: a real browser on the real process; a register that shows less for one day. What the page says is compared
// with the API.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openChromium } from "../support/web/chromium.ts";
import { openPage, pagesServed, shown } from "../support/web/opened-page.ts";

const patience = { timeout: 30_000 };
const slowAnswerMs = 800;

async function answer<Answer>(path: string): Promise<Answer> {
  return (await (await fetch(pagesServed().address + path)).json()) as Answer;
}

const verdicts = [
  { verdict: "Reject", said: "Rejected", quality: "suspect", other: "Accept" },
  { verdict: "Accept", said: "Accepted", quality: "actual", other: "Reject" },
];

function dayOf(days: number): string {
  return new Date((pagesServed().meters.doubt.at + days * 86_400) * 1000).toISOString().slice(0, 10);
}

/** The days around the reading. */
function address(): string {
  return `/meters/${pagesServed().meters.doubt.meterId}?from=${dayOf(-3)}&to=${dayOf(4)}`;
}

/** The reading as the API has it. */
async function stored(): Promise<object | undefined> {
  const { meterId, at, register } = pagesServed().meters.doubt;
  const [from, to] = [at, at + 1].map((second) => new Date(second * 1000).toISOString());
  const path = `/v1/meters/${meterId}/readings?register=${register}&from=${from}&to=${to}`;
  return (await answer<{ items: object[] }>(path)).items[0];
}

describe.skipIf(inject("pages") === undefined)("a doubted reading", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium();
  });
  afterAll(() => browser.close());

  test("is found by its rule, and leads to the place in the meter's curve", async () => {
    const { page, complaints, close } = await openPage(browser, "/findings");
    await page.locator("label.choice", { hasText: "Rule" }).locator("select").selectOption("V13");
    await page.waitForURL("**/findings?rule=V13");
    await shown(page);
    await expect
      .poll(async () => [...new Set(await page.locator(".rule small").allTextContents())], patience)
      .toEqual(["V13"]);
    await page.getByRole("link", { name: "doubt-1" }).first().click();
    await page.waitForURL("**/meters/doubt-1?**");
    await page.getByRole("heading", { name: "Doubted readings" }).waitFor();
    await page.locator(".doubts").getByText("Ran backwards").waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test("is rejected with a reason, and accepted again; the page says so as soon as it stands so", async () => {
    const { page, complaints, close } = await openPage(browser, address());
    const row = page.locator(".doubts tbody tr");
    await row.first().waitFor();
    expect(await row.count()).toBe(1);
    await row.getByText("Ran backwards").waitFor();
    expect(await row.textContent()).toContain("V13");
    // Longer than the page waits between two looks.
    await page.route("**/v1/meters/*/readings?*", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, slowAnswerMs));
      await route.continue();
    });
    for (const { verdict, said, quality, other } of verdicts) {
      await row.getByRole("button", { name: verdict }).click();
      await page.locator(".reason-form input:focus").waitFor();
      await page.keyboard.type("the display was read again");
      await page.keyboard.press("Enter");
      await page.getByText(`${said}. The months that it touches`).waitFor();
      await row.getByText(`${said.toLowerCase()} by an operator`).waitFor();
      expect(await stored()).toMatchObject({ origin: "operator", quality });
      // What stands is not offered again, and can be taken back.
      expect(await row.getByRole("button").allTextContents()).toEqual([expect.stringContaining(other)]);
    }
    expect(complaints).toEqual([]);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await close();
  });
});
