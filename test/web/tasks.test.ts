// Goal: what people come for is done in at most five clicks (docs/tasks.md).
// Method: each task in a real browser on the real process, as somebody would who has never seen the pages. Clicks and
// choices are counted; what is typed on the way is not.
import { readFileSync } from "node:fs";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openChromium } from "../support/web/chromium.ts";
import { openPage, pagesServed, shown } from "../support/web/opened-page.ts";
import { monthOver } from "../support/web/shown-meters.ts";

const clicksMax = 5;
/** A page that is asked for is there some moments later. */
const patience = { timeout: 15_000 };
const page = readFileSync(new URL("../../docs/tasks.md", import.meta.url), "utf8");

interface Person {
  readonly page: Page;
  click(where: Locator): Promise<void>;
  /** Finds a meter from wherever one is: the search, its number, Enter. */
  find(meterId: string): Promise<void>;
  choose(list: string, option: string): Promise<void>;
  text(): Promise<string>;
  readonly clicks: number;
}

const period = () => monthOver(1);
const monthName = () =>
  new Date(`${period()}-15`).toLocaleString("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });

const tasks: Record<string, (person: Person) => Promise<void>> = {
  async T01(person) {
    await person.click(person.page.getByRole("link", { name: "Intake" }).first());
    await expect.poll(() => person.text(), patience).toContain("Silent meters and gaps");
    await person.click(person.page.getByRole("link", { name: "holes-1" }).first());
    await expect.poll(() => person.text(), patience).toContain("Not known (never 0)");
  },
  async T02(person) {
    await person.find("year-1");
    await person.click(person.page.getByRole("button", { name: "Month", exact: true }));
    await person.choose("Compare with", "Month before");
    await expect
      .poll(() => person.page.locator(".figures").textContent(), patience)
      .toMatch(/Month before.*now \d+(\.\d)?% (more|less)/);
  },
  async T03(person) {
    await person.find("sim-000016");
    await person.click(person.page.getByRole("link", { name: monthName() }));
    const { registers } = await answer<{ registers: { value: number }[] }>(
      `/v1/meters/sim-000016/snapshots/${period()}`,
    );
    const value = ((registers[0]?.value ?? 0) / 1000).toLocaleString("en", { minimumFractionDigits: 3 });
    await expect.poll(() => person.page.locator(".why").first().textContent(), patience).toContain(value);
  },
  async T04(person) {
    await person.click(person.page.getByRole("link", { name: monthName() }));
    // Provisional until the window closes, on the first days of a month.
    const { state } = await answer<{ state: string }>(`/v1/periods/${period()}`);
    const told = new RegExp(`${state}.*How good it is.*What stands in the way`, "s");
    await expect.poll(() => person.text(), patience).toMatch(told);
  },
  async T05(person) {
    await person.click(person.page.getByRole("link", { name: monthName() }));
    await person.click(person.page.getByRole("button", { name: "Close the month" }));
    await person.page.locator(".close .clear").waitFor();
    await expect.poll(() => person.page.locator(".close").textContent(), patience).toMatch(/\d+ meters stand/);
  },
  async T06(person) {
    await person.click(person.page.getByRole("link", { name: "Intake" }).first());
    await person.click(person.page.locator(".entries").getByText("The unit is not known"));
    await expect.poll(() => person.page.locator("[open] pre").textContent(), patience).toContain('"unit": "kWhh"');
    await person.click(person.page.locator("[open]").getByRole("button", { name: "Try again" }));
    await person.page.getByText("Nothing was taken.").waitFor();
  },
  async T07(person) {
    await person.find("year-1");
    await person.click(person.page.getByRole("button", { name: "Year", exact: true }));
    await person.choose("Steps", "Quarter hours");
    const download = person.page.waitForEvent("download");
    await person.click(person.page.getByRole("button", { name: "Download what is shown as CSV" }));
    const lines = readFileSync(await (await download).path(), "utf8")
      .trimEnd()
      .split("\n");
    expect(lines.length).toBeGreaterThan(35_000);
  },
  async T08(person) {
    await person.find("year-1");
    await person.click(person.page.getByRole("button", { name: "Typical day" }));
    await expect.poll(() => person.page.locator(".week").textContent(), patience).toMatch(/highest [\d.]+ kW at 19:00/);
    await expect.poll(() => person.page.locator(".figures").textContent(), patience).toMatch(/Peak[\d.]+ kW/);
  },
  async T09(person) {
    await person.find("sim-000016");
    await person.click(person.page.getByRole("button", { name: "Month", exact: true }));
    await expect
      .poll(() => person.page.locator(".figures").textContent(), patience)
      .toMatch(/In this range[\d,.]+ kWh.*Given to the grid[\d,.]+ kWh/);
  },
  async T10(person) {
    const { autumn } = pagesServed().meters.clockDays;
    const date = new Date((autumn + 43_200) * 1000).toISOString().slice(0, 10);
    await person.find("clock-1");
    await person.click(person.page.locator(".range-text"));
    await person.page.getByLabel("First day").fill(date);
    await person.page.getByLabel("Last day").fill(date);
    await person.click(person.page.getByRole("button", { name: "Show", exact: true }));
    await person.click(person.page.getByRole("button", { name: "Table" }));
    await expect.poll(() => person.page.locator(".rows").getAttribute("aria-rowcount"), patience).toBe("101");
    await expect.poll(() => person.page.locator(".figures").textContent(), patience).toContain("5.050 kWh");
  },
  async T11(person) {
    await person.click(person.page.getByRole("link", { name: "Fleet and feeders" }).first());
    await person.click(person.page.getByRole("link", { name: "Feeder F-1" }));
    await person.click(person.page.getByRole("button", { name: "Month", exact: true }));
    await expect
      .poll(() => person.page.locator("section", { hasText: "Balance" }).last().textContent(), patience)
      .toMatch(/Supplied[\d,.]+ kWh.*Losses[\d,.]+ kWh[\d.]+% of what was supplied/);
  },
  async T12(person) {
    await person.click(person.page.getByRole("link", { name: "Fleet and feeders" }).first());
    await person.click(person.page.getByRole("link", { name: "Feeder F-1" }));
    await person.choose("Issued for", monthName());
    const { items } = await answer<{ items: { meterId: string }[] }>(`/v1/groups/feeder:F-1/movers?period=${period()}`);
    const first = person.page.locator("section", { hasText: "Top movers" }).last().getByRole("link").first();
    await expect.poll(() => first.textContent(), patience).toBe(items[0]?.meterId);
  },
  async T13(person) {
    await person.click(person.page.getByRole("link", { name: "Fleet and feeders" }).first());
    await person.page.getByLabel("Numbers, one a line").fill("sim-000001, sim-000002\nnobody-1");
    await person.click(person.page.getByRole("button", { name: "Sum", exact: true }));
    await expect
      .poll(() => person.text(), patience)
      .toMatch(/2 meters summed.*Not known: nobody-1.*Together[\d,.]+ kWh/s);
  },
};

async function answer<Answer>(path: string): Promise<Answer> {
  return (await (await fetch(pagesServed().address + path)).json()) as Answer;
}

function personAt(page: Page): Person {
  let clicks = 0;
  const act = async (doing: Promise<unknown>) => {
    await doing;
    clicks += 1;
    await shown(page);
  };
  return {
    page,
    click: (where) => act(where.click()),
    choose: (list, option) =>
      act(page.locator("label.choice", { hasText: list }).locator("select").selectOption({ label: option })),
    async find(meterId) {
      await page.keyboard.press("/");
      await page.locator("[role=combobox]:focus").waitFor();
      await page.keyboard.type(meterId);
      await page.locator("[role=option][aria-selected=true]").filter({ hasText: meterId }).waitFor();
      await act(page.keyboard.press("Enter"));
      await page.getByRole("heading", { level: 1, name: meterId }).waitFor();
      await shown(page);
    },
    text: async () => (await page.locator("main").textContent()) ?? "",
    get clicks() {
      return clicks;
    },
  };
}

describe.skipIf(inject("pages") === undefined)("tasks of real people", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium();
  });
  afterAll(() => browser.close());

  test.for(Object.entries(tasks))("%s", async ([name, task]) => {
    const [, told] = new RegExp(`^\\| ${name} \\|.*\\| (\\d) \\|$`, "m").exec(page) ?? [];
    const opened = await openPage(browser, "/");
    const person = personAt(opened.page);
    await task(person);
    expect(person.clicks).toBeLessThanOrEqual(clicksMax);
    expect(`${name} ${person.clicks}`).toBe(`${name} ${told}`);
    expect(opened.complaints).toEqual([]);
    await opened.close();
  });
});
