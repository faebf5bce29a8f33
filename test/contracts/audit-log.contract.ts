import type { AuditLog, AuditQuestion, PersonalRead } from "@meterbook/core/ports/audit-log";
import { readsPerRecordMax } from "@meterbook/core/ports/audit-log";
import { expect, onTestFinished, test } from "vitest";

export interface AuditLogUnderTest {
  readonly nowMs: number;
  readonly retentionDays: number;
  /** Opens the same log again and again. */
  open(options?: { keptMax?: number }): Promise<AuditLog>;
  /** Puts an entry whose record has a bit that is not as it was written. */
  putDamaged(read: PersonalRead): Promise<void>;
}

export function aPersonalRead(atMs: number, over: Partial<PersonalRead> = {}): PersonalRead {
  return {
    atMs,
    caller: "anna",
    address: "10.0.0.7",
    call: "GET /v1/meters/:meterId/curve",
    subject: "meter",
    subjectId: "m-1",
    query: "register=1.8.0",
    ...over,
  };
}

/** What the port promises (packages/core/src/ports/audit-log.ts). Every adapter runs it. */
export function auditLogContract(make: () => Promise<AuditLogUnderTest>): void {
  async function opened(under: AuditLogUnderTest, options?: { keptMax?: number }): Promise<AuditLog> {
    const log = await under.open(options);
    onTestFinished(() => log.close().catch(() => undefined));
    return log;
  }
  const aRead = (under: AuditLogUnderTest, over: Partial<PersonalRead> = {}) => aPersonalRead(under.nowMs, over);
  const queries = async (log: AuditLog, question: Partial<AuditQuestion> = {}) =>
    (await log.list({ limit: 1000, ...question })).map(({ query }) => query);

  test("entries are there as they were put, newest first, after opening again too", async () => {
    const under = await make();
    const log = await opened(under);
    const reads = ["a", "b", "c"].map((query) => aRead(under, { query }));
    await log.put(reads.slice(0, 2));
    await log.put(reads.slice(2));
    const found = await log.list({ limit: 10 });
    expect(found.map(({ id: _, ...read }) => read)).toEqual(reads.toReversed());
    await log.close();
    expect(await queries(await opened(under))).toEqual(["c", "b", "a"]);
  });

  test("they are found by whom they are about, by who read, and by time, a page at a time", async () => {
    const under = await make();
    const log = await opened(under);
    const hour = 3_600_000;
    await log.put([
      aRead(under, { query: "1", atMs: under.nowMs - 3 * hour }),
      aRead(under, { query: "2", atMs: under.nowMs - 2 * hour, subjectId: "m-2" }),
      aRead(under, { query: "3", atMs: under.nowMs - hour, caller: "boris" }),
      aRead(under, { query: "4", subject: "usage-point" }),
      aRead(under, { query: "5", subject: "fleet", subjectId: "" }),
      aRead(under, { query: "6", subject: "group", subjectId: "feeder:F-1" }),
    ]);
    expect(await queries(log, { subject: "meter", subjectId: "m-1" })).toEqual(["3", "1"]);
    expect(await queries(log, { subjectId: "m-1" })).toEqual(["4", "3", "1"]);
    expect(await queries(log, { caller: "boris" })).toEqual(["3"]);
    expect(await queries(log, { subject: "fleet" })).toEqual(["5"]);
    expect(await queries(log, { subject: "group", subjectId: "feeder:F-1" })).toEqual(["6"]);
    expect(await queries(log, { fromMs: under.nowMs - 2 * hour, toMs: under.nowMs })).toEqual(["3", "2"]);
    const [, second] = await log.list({ limit: 2 });
    expect(await queries(log, { beforeId: second?.id ?? 0, limit: 2 })).toEqual(["4", "3"]);
  });

  test("more than a record holds come back whole and in order", async () => {
    const under = await make();
    const log = await opened(under);
    const count = readsPerRecordMax * 2 + 1;
    await log.put(Array.from({ length: count }, (_, i) => aRead(under, { query: String(i) })));
    const found = await queries(log, { limit: count });
    expect(found).toEqual(Array.from({ length: count }, (_, i) => String(count - 1 - i)));
  });

  test("what is older than the retention is forgotten, and of too many the oldest", async () => {
    const under = await make();
    const old = under.nowMs - (under.retentionDays * 86_400_000 + 1);
    const log = await opened(under, { keptMax: 3 });
    await log.put([aRead(under, { query: "old", atMs: old }), aRead(under, { query: "0" })]);
    await log.put([aRead(under, { query: "1" })]);
    expect(await queries(log)).toEqual(["1", "0"]);
    for (const query of ["2", "3", "4"]) await log.put([aRead(under, { query })]);
    expect(await queries(log)).toEqual(["4", "3", "2"]);
  });

  test("one that is damaged is left out and stops nobody", async () => {
    const under = await make();
    const log = await opened(under);
    await log.put([aRead(under, { query: "before" })]);
    await log.close();
    await under.putDamaged(aRead(under, { query: "damaged" }));
    const again = await opened(under);
    await again.put([aRead(under, { query: "after" })]);
    expect(await queries(again)).toEqual(["after", "before"]);
  });
}
