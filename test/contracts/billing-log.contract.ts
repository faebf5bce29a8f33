import type { Acknowledgement } from "@meterbook/core/domain/billing/acknowledgement";
import type { BillingLog } from "@meterbook/core/ports/billing-log";
import { expect, onTestFinished, test } from "vitest";

export interface BillingLogUnderTest {
  /** Opens the same log again and again. */
  open(): Promise<BillingLog>;
  /** Writes a line that has a bit that is not as it was written. */
  putDamaged(line: Acknowledgement): Promise<void>;
}

const period = 2026 * 12 + 9;

export function aLine(over: Partial<Acknowledgement> = {}): Acknowledgement {
  return {
    meterId: "m-1",
    period,
    revision: 1,
    register: "1.8.0",
    invoice: "inv-1",
    opening: 100,
    closing: 350,
    consumption: 250,
    amount: "12.34",
    currency: "UAH",
    acknowledgedAtMs: 1_793_800_000_000,
    by: "billing-1",
    ...over,
  };
}

/** What the port promises (packages/core/src/ports/billing-log.ts). Every adapter runs it. */
export function billingLogContract(make: () => Promise<BillingLogUnderTest>): void {
  async function opened(under: BillingLogUnderTest): Promise<BillingLog> {
    const log = await under.open();
    onTestFinished(() => log.close().catch(() => undefined));
    return log;
  }

  test("lines are kept as they were said first, after opening again too", async () => {
    const under = await make();
    const log = await opened(under);
    const [first, second] = [aLine(), aLine({ register: "2.8.0", acknowledgedAtMs: 1_793_800_000_001 })];
    expect(await log.record([first, second])).toEqual(["recorded", "recorded"]);
    const later = { acknowledgedAtMs: 1_793_900_000_000, by: "billing-2" };
    expect(await log.record([aLine(later), aLine({ ...later, closing: 351 })])).toEqual(["known", "differs"]);
    expect(await log.record([])).toEqual([]);
    await log.close();
    const again = await opened(under);
    expect(await again.ofMonth("m-1", period)).toEqual([first, second]);
    expect(await again.ofMonth("m-1", period + 1)).toEqual([]);
  });

  test("its state is another after each new line", async () => {
    const log = await opened(await make());
    const first = await log.state();
    await log.record([aLine()]);
    const second = await log.state();
    expect(second).not.toBe(first);
    await log.record([aLine({ meterId: "m-2", period: period + 1 })]);
    expect(await log.state()).not.toBe(second);
  });

  test("what another process has said changes the state too", async () => {
    const under = await make();
    const [log, other] = [await opened(under), await opened(under)];
    const before = await log.state();
    await other.record([aLine()]);
    await expect.poll(() => log.state(), { timeout: 10_000 }).not.toBe(before);
  });

  test("of each meter the newest revision counts that was used, and totals are of the month", async () => {
    const log = await opened(await make());
    await log.record([
      aLine({ meterId: "m-2" }),
      aLine(),
      aLine({ revision: 2, invoice: "inv-2", acknowledgedAtMs: 1_793_800_000_005 }),
      aLine({ period: period + 1 }),
    ]);
    expect(await log.used({ period, limit: 10 })).toEqual([
      { meterId: "m-1", revision: 2 },
      { meterId: "m-2", revision: 1 },
    ]);
    expect(await log.used({ period, afterMeterId: "m-1", limit: 1 })).toEqual([{ meterId: "m-2", revision: 1 }]);
    expect(await log.totals(period)).toEqual({ meters: 2, lines: 3, invoices: 2, newestAtMs: 1_793_800_000_005 });
    expect(await log.totals(period + 5)).toEqual({ meters: 0, lines: 0, invoices: 0, newestAtMs: 0 });
  });

  test("a line that cannot be read is as if it were not there", async () => {
    const under = await make();
    await under.putDamaged(aLine());
    const log = await opened(under);
    await log.record([aLine({ invoice: "inv-2" })]);
    expect((await log.ofMonth("m-1", period)).map(({ invoice }) => invoice)).toEqual(["inv-2"]);
  });
}
