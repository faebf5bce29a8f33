import type { Job } from "@meterbook/core/domain/job/job";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import { type JobLog, unfinishedJobsMax } from "@meterbook/core/ports/job-log";
import { ApiProblem } from "../http/problems/problem.ts";
import { type ClosePorts, type CloseProgress, closeWhatWaits } from "./close-period.ts";

export interface JobPorts extends ClosePorts {
  readonly jobs: JobLog;
}

/** Closes that were asked for: each is a job, durable before it begins, and any API process brings it to its end. */
export interface CloseJobs {
  /** @throws ApiProblem `too_many_jobs` */
  ask(period: number, by: string): Promise<Job>;
  /** The job as it is when it has ended, or after so long. */
  wait(job: Job, ms: number): Promise<Job>;
  /** Ends its own work; what is unfinished is taken up by the next process. */
  close(): Promise<void>;
}

const underWayMax = 32;
/** Whoever works on a job says so this often, and who was not heard of for some of these times works on it no more. */
const saysEveryMs = 2000;
const deadAfterMs = 4 * saysEveryMs;
const looksEveryMs = 2000;

export function closeJobs(ports: JobPorts, timeoutMs: number): CloseJobs {
  const { jobs, clock } = ports;
  const running = new Map<string, Promise<Job>>();
  const stopped = new AbortController();
  const still = stillJobs();

  async function run(asked: Job): Promise<Job> {
    let job: Job = { ...asked, state: "running" };
    const say = async (change: Partial<Job>) => {
      job = { ...job, ...change, seenAtMs: clock.nowMs() };
      await jobs.put(job);
    };
    const progress: CloseProgress = {
      saysEveryMs,
      signal: stopped.signal,
      passed: (done, total) => say({ done, total }),
    };
    try {
      const result = await closeWhatWaits(ports, job, { timeoutMs, ...progress });
      await say({ state: "done", done: job.total, result: { ...result } });
    } catch (error) {
      if (stopped.signal.aborted) return job;
      await say({ state: "failed", problem: messageOf(error) });
    }
    return job;
  }

  function begin(job: Job): Promise<Job> {
    const ended = run(job).finally(() => running.delete(job.id));
    // Whoever waits for it hears of it; who does not looks at the job.
    ended.catch(() => undefined);
    running.set(job.id, ended);
    return ended;
  }

  async function takeUp(which: "the dead" | "all"): Promise<void> {
    const unfinished = await jobs.unfinished();
    still.look(unfinished);
    for (const job of unfinished) {
      if (running.size >= underWayMax || stopped.signal.aborted) return;
      const isDead = clock.nowMs() - job.seenAtMs > deadAfterMs || still.looks(job) > deadAfterMs / looksEveryMs;
      if (!running.has(job.id) && (isDead || which === "all")) void begin(job);
    }
  }

  const look = (which: "the dead" | "all") => void takeUp(which).catch(() => undefined);
  if (jobs.worked === "by one process") look("all");
  const timer = setInterval(() => look("the dead"), looksEveryMs);
  timer.unref();
  return {
    async ask(period, by) {
      if (running.size >= underWayMax) {
        const detail = `${underWayMax} closes are under way; look at theirs, or ask again later`;
        throw new ApiProblem("too_many_jobs", detail, { headers: { "retry-after": "5" } });
      }
      if ((await jobs.unfinished()).length >= unfinishedJobsMax) {
        const detail = `${unfinishedJobsMax} jobs have not ended yet; ask again later`;
        throw new ApiProblem("too_many_jobs", detail, { headers: { "retry-after": "5" } });
      }
      const atMs = clock.nowMs();
      const job: Job = {
        ...{ id: crypto.randomUUID(), kind: "close", period, askedAtMs: atMs, askedBy: by, seenAtMs: atMs },
        ...{ state: "queued", done: 0, total: ports.readingsLog.partitions, result: null, problem: null },
      };
      await jobs.put(job);
      void begin(job);
      return job;
    },
    async wait(job, ms) {
      const ended = running.get(job.id);
      if (ended === undefined || ms <= 0) return job;
      const late = Promise.withResolvers<Job | undefined>();
      const given = setTimeout(() => late.resolve(undefined), ms);
      const answer = await Promise.race([ended, late.promise]);
      clearTimeout(given);
      return answer ?? (await jobs.get(job.id)) ?? job;
    },
    async close() {
      stopped.abort();
      clearInterval(timer);
      await Promise.allSettled(running.values());
    },
  };
}

/** How often jobs were looked at since somebody last worked on them: what a sign of life says depends on a clock. */
function stillJobs() {
  let seen = new Map<string, { readonly seenAtMs: number; readonly looks: number }>();
  return {
    look(jobs: readonly Job[]): void {
      seen = new Map(
        jobs.map(({ id, seenAtMs }) => {
          const before = seen.get(id);
          return [id, { seenAtMs, looks: before?.seenAtMs === seenAtMs ? before.looks + 1 : 0 }];
        }),
      );
    },
    looks: ({ id }: Job) => seen.get(id)?.looks ?? 0,
  };
}
