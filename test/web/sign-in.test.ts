// Goal: where keys are needed, the pages ask for one, keep it where no script sees it, and show what it allows.
// Method: a real browser on a process with a keys file.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { makeKey } from "../../services/api/src/http/access/api-keys.ts";
import { publishAll } from "../support/network/publisher.ts";
import { type MeterbookProcess, startMeterbook } from "../support/processes/meterbook-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openChromium } from "../support/web/chromium.ts";

describe.skipIf(inject("pages") === undefined)("signing in", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium();
  });
  afterAll(() => browser.close());

  async function guarded(): Promise<{ meterbook: MeterbookProcess; keys: Record<string, string> }> {
    const made = (["billing", "analyst", "operator", "intake"] as const).map((scope) =>
      makeKey(`${scope}-key`, [scope]),
    );
    const file = join(await temporaryDirectory(), "keys.jsonl");
    writeFileSync(file, made.map(({ stored }) => JSON.stringify(stored)).join("\n"));
    const meterbook = await startMeterbook({ METERBOOK_API_KEYS_FILE: file });
    const reading = { at: new Date(Date.now() - 3_600_000).toISOString(), register: "1.8.0", value: 1000, unit: "Wh" };
    const payload = JSON.stringify({ readings: [reading] });
    await publishAll(() => meterbook.mqttUrl, [{ topic: "meters/m-1/readings/json", payload }]);
    return { meterbook, keys: Object.fromEntries(made.map(({ stored, key }) => [stored.scopes[0], key])) };
  }

  test("a wrong key is told, a right one opens the page that was asked for, and signing out ends it", async () => {
    const { meterbook, keys } = await guarded();
    const context = await browser.newContext({ locale: "en-GB" });
    const page = await context.newPage();
    await page.goto(`${meterbook.httpUrl}/meters/m-1`);
    await page.getByLabel("API key").fill("mb_guess");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("This key is not known").waitFor();
    await page.getByLabel("API key").fill(String(keys["analyst"]));
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "m-1", level: 1 }).waitFor();
    await page.locator(".u-over").waitFor();
    const [cookie] = await context.cookies(`${meterbook.httpUrl}/v1/status`);
    expect(cookie).toMatchObject({ name: "meterbook_session", httpOnly: true, sameSite: "Strict", path: "/v1" });
    expect(await page.evaluate("document.cookie")).toBe("");
    expect(await page.evaluate<string>("JSON.stringify(localStorage)")).not.toContain(keys["analyst"]);
    await page.reload();
    await page.getByRole("heading", { name: "m-1", level: 1 }).waitFor();
    await page.getByTitle(/Sign out/).click();
    await page.getByLabel("API key").waitFor();
    await context.close();
    await meterbook.dispose();
  });

  test("each key sees what its scopes allow, and is told what it may not", async () => {
    const { meterbook, keys } = await guarded();
    const seen = async (scope: string, path: string) => {
      const context = await browser.newContext({ locale: "en-GB" });
      const page = await context.newPage();
      await page.goto(meterbook.httpUrl + path);
      await page.getByLabel("API key").fill(String(keys[scope]));
      await page.keyboard.press("Enter");
      await page.locator("main h1:not(form h1)").waitFor();
      await page.locator(".skeleton, [aria-busy=true]").first().waitFor({ state: "detached" });
      const text = (await page.locator("main").textContent()) ?? "";
      await context.close();
      return text;
    };
    expect(await seen("billing", "/meters/m-1")).toContain("Curves need an analyst's key");
    expect(await seen("analyst", "/intake")).toContain("are for operators");
    expect(await seen("operator", "/intake")).toContain("Nothing was refused");
    const intake = await seen("intake", "/meters/m-1");
    expect(intake).toContain("Your key does not allow this");
    expect(intake).toContain("intake-key");
    await meterbook.dispose();
  });
});
