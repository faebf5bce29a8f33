import type { Job } from "@meterbook/core/domain/job/job";
import { type JobLog, jobsKeptMax } from "@meterbook/core/ports/job-log";
import { expect, onTestFinished, test } from "vitest";

export interface JobLogUnderTest {
  /** Opens the same log again and again. */
  open(): Promise<JobLog>;
  /** Puts a job whose record has a bit that is not as it was written. */
  putDamaged(job: Job): Promise<void>;
}

export function aJob(over: Partial<Job> = {}): Job {
  return {
    id: "job-1",
    kind: "close",
    period: 2026 * 12 + 9,
    askedAtMs: 1_793_484_000_000,
    askedBy: "operator-1",
    state: "queued",
    done: 0,
    total: 4,
    result: null,
    problem: null,
    seenAtMs: 1_793_484_000_000,
    ...over,
  };
}

/** What the port promises (packages/core/src/ports/job-log.ts). Every adapter runs it. */
export function jobLogContract(make: () => Promise<JobLogUnderTest>): void {
  async function opened(under: JobLogUnderTest): Promise<JobLog> {
    const log = await under.open();
    onTestFinished(() => log.close().catch(() => undefined));
    return log;
  }

  test("a job is there as it was put last, after opening again too, and unfinished ones are listed by age", async () => {
    const under = await make();
    const log = await opened(under);
    const [first, second] = [aJob({ id: "b" }), aJob({ id: "a", askedAtMs: 1_793_484_000_001 })];
    await log.put(second);
    await log.put(first);
    expect(await log.unfinished()).toEqual([first, second]);
    const done = { ...first, state: "done" as const, done: 4, result: { issued: 7, heldBackMeters: ["m-1"] } };
    await log.put(done);
    await log.close();
    const again = await opened(under);
    expect(await again.get("b")).toEqual(done);
    expect(await again.unfinished()).toEqual([second]);
    expect(await again.get("nobody's")).toBeUndefined();
  });

  test("one that has ended stays as it ended, whatever somebody else who works on it says later", async () => {
    const log = await opened(await make());
    const done = aJob({ state: "done", done: 4, result: { issued: 7 } });
    await log.put(aJob({ state: "running" }));
    await log.put(done);
    await log.put(aJob({ state: "running", done: 1, seenAtMs: done.seenAtMs + 9000 }));
    expect([await log.get(done.id), await log.unfinished()]).toEqual([done, []]);
    await log.put(aJob({ state: "failed", problem: "not passed in time" }));
    expect(await log.get(done.id)).toEqual(done);
  });

  test("one that is damaged is as if it were not there, and stops nobody", async () => {
    const under = await make();
    const log = await opened(under);
    await log.put(aJob({ id: "b" }));
    await log.close();
    await under.putDamaged(aJob({ id: "a" }));
    const again = await opened(under);
    expect(await again.get("a")).toBeUndefined();
    expect((await again.unfinished()).map(({ id }) => id)).toEqual(["b"]);
  });

  test("the newest that have ended are kept, and whatever has not", async () => {
    const log = await opened(await make());
    const old = aJob({ id: "old", askedAtMs: 0 });
    await log.put(old);
    const puts = Array.from({ length: jobsKeptMax + 3 }, (_, n) => aJob({ id: `j-${n}`, askedAtMs: n, state: "done" }));
    for (let from = 0; from < puts.length; from += 100)
      await Promise.all(puts.slice(from, from + 100).map((job) => log.put(job)));
    const found = await Promise.all([0, 2, 3, jobsKeptMax + 2].map((n) => log.get(`j-${n}`)));
    expect(found.map((job) => job?.askedAtMs)).toEqual([undefined, undefined, 3, jobsKeptMax + 2]);
    expect([await log.get("old"), await log.unfinished()]).toEqual([old, [old]]);
  });
}
