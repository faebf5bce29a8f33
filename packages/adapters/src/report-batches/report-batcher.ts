import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { LoggedReport } from "@meterbook/core/ports/readings-log";
import { encodeFrame, frameBytesOf } from "@meterbook/core/records/frame-protobuf";
import { waitingLine } from "./waiting-line.ts";

/** What is written: the reports of one partition that waited together. */
export interface FrameToWrite {
  readonly partition: number;
  readonly bytes: Uint8Array;
  readonly readings: number;
  readonly reports: number;
}

export interface BatcherOptions {
  /** Largest frame; a larger report is a frame of its own. */
  readonly frameBytesMax: number;
  /** How much is written with one fsync. */
  readonly framesPerWriteMax: number;
  /** The same in bytes, where the log takes only so much at once; at least one frame. */
  readonly bytesPerWriteMax?: number;
  /** Which partition a report belongs to; 0 where absent. */
  readonly partitionOf?: (report: LoggedReport) => number;
  /** How long a report waits for others when nothing is being written. */
  readonly lingerMs: number;
  /** How it is while so many come that larger frames are worth the wait; always as above where absent. */
  readonly busy?: BusyLinger;
  /** Reports of so many bytes may wait or be under way; above it `add` waits. */
  readonly waitingBytesMax: number;
  /** By which it is known how fast reports come; one that no change of the host's clock moves where absent. */
  readonly nowMs?: () => number;
}

/**
 * From `reportsPerSecond` on a report waits for `lingerMs`, or until `reportsMax` wait: senders have only so many under
 * way. With a linger of 0 it is written as soon as all that came with it is at hand: where somebody else makes them
 * come together.
 */
export interface BusyLinger {
  readonly reportsPerSecond: number;
  readonly lingerMs: number;
  readonly reportsMax: number;
}

/** Gathers reports into frames: all that arrive while a write is under way share the next one. */
export interface ReportBatcher {
  /** Settles with the write that holds the report. */
  add(report: LoggedReport): Promise<void>;
  /** Writes what waits and takes no more. */
  close(): Promise<void>;
}

/** The reports of one frame and the outcome that they share. */
interface OpenFrame {
  readonly partition: number;
  readonly reports: LoggedReport[];
  readonly outcome: PromiseWithResolvers<void>;
  bytes: number;
  readings: number;
}

/** Profiles are small on the wire and large once they are read. */
const frameReadingsMax = 20_000;

/** Frames in the order in which they were begun; the newest one of each partition still takes reports. */
function openFrames({ frameBytesMax, partitionOf = () => 0 }: Pick<BatcherOptions, "frameBytesMax" | "partitionOf">) {
  const frames: OpenFrame[] = [];
  const newest = new Map<number, OpenFrame>();
  let reports = 0;
  return {
    isEmpty: () => frames.length === 0,
    /** One of them takes no more. */
    hasFull: () => frames.length > newest.size,
    reports: () => reports,
    put(report: LoggedReport, bytes: number): OpenFrame {
      const partition = partitionOf(report);
      let frame = newest.get(partition);
      const isFull = (one: OpenFrame) =>
        one.bytes + bytes > frameBytesMax || one.readings + report.readings > frameReadingsMax;
      if (frame === undefined || isFull(frame)) {
        frame = { partition, reports: [], outcome: Promise.withResolvers(), bytes: 0, readings: 0 };
        frames.push(frame);
        newest.set(partition, frame);
      }
      frame.reports.push(report);
      frame.bytes += bytes;
      frame.readings += report.readings;
      reports += 1;
      return frame;
    },
    take(count: number, bytesMax: number): OpenFrame[] {
      let sum = 0;
      const beyond = frames.slice(0, count).findIndex(({ bytes }, index) => {
        sum += bytes;
        return index > 0 && sum > bytesMax;
      });
      const taken = frames.splice(0, beyond === -1 ? count : beyond);
      for (const frame of taken) {
        reports -= frame.reports.length;
        if (newest.get(frame.partition) === frame) newest.delete(frame.partition);
      }
      return taken;
    },
  };
}

export function reportBatcher(
  write: (frames: readonly FrameToWrite[]) => Promise<void>,
  options: BatcherOptions,
): ReportBatcher {
  const { framesPerWriteMax, lingerMs, waitingBytesMax, busy } = options;
  const { bytesPerWriteMax = Number.POSITIVE_INFINITY, nowMs = () => performance.now() } = options;
  const frames = openFrames(options);
  const outside = waitingLine<{ report: LoggedReport; settle: (done: Promise<void>) => void }>();
  let bytesInside = 0;
  let writing: Promise<void> | undefined;
  let cancel: (() => void) | undefined;
  let closed = false;
  let begunAtMs = Number.NEGATIVE_INFINITY;
  let perSecond = 0;

  function enter(report: LoggedReport): Promise<void> {
    const bytes = frameBytesOf(report);
    bytesInside += bytes;
    const { outcome } = frames.put(report, bytes);
    if (writing === undefined) schedule();
    return outcome.promise;
  }

  function schedule(): void {
    const isBusy = busy !== undefined && perSecond >= busy.reportsPerSecond;
    if (frames.hasFull() || (isBusy && frames.reports() >= busy.reportsMax) || closed) startWriting();
    else cancel ??= later(startWriting, isBusy ? busy.lingerMs : lingerMs);
  }

  function startWriting(): void {
    cancel?.();
    cancel = undefined;
    writing ??= writeAll().finally(() => {
      writing = undefined;
      if (!frames.isEmpty()) schedule();
    });
  }

  async function writeAll(): Promise<void> {
    const beginsAtMs = nowMs();
    perSecond = (frames.reports() / (beginsAtMs - begunAtMs)) * 1000;
    begunAtMs = beginsAtMs;
    const batch = frames.take(framesPerWriteMax, bytesPerWriteMax);
    const bytes = batch.reduce((sum, frame) => sum + frame.bytes, 0);
    try {
      await write(
        batch.map(({ partition, reports, readings }) => {
          return { partition, bytes: encodeFrame(reports), readings, reports: reports.length };
        }),
      );
      for (const { outcome } of batch) outcome.resolve();
    } catch (error) {
      for (const { outcome } of batch) outcome.reject(error);
    }
    bytesInside -= bytes;
    letIn();
  }

  /** In the order in which they came, because the order of a meter's reports must stay. */
  function letIn(): void {
    while (outside.length > 0 && bytesInside < waitingBytesMax) {
      const next = outside.take();
      if (next !== undefined) next.settle(enter(next.report));
    }
  }

  return {
    add(report) {
      if (closed) return Promise.reject(logClosed());
      // While there is room nobody waits outside: whoever did was let in when the room came.
      if (bytesInside < waitingBytesMax) return enter(report);
      return new Promise<void>((resolve) => {
        outside.push({ report, settle: resolve });
      });
    },
    async close() {
      closed = true;
      while (!frames.isEmpty() || outside.length > 0 || writing !== undefined) {
        startWriting();
        await writing;
        letIn();
      }
    },
  };
}

function later(run: () => void, ms: number): () => void {
  if (ms > 0) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  }
  const turn = setImmediate(run);
  return () => clearImmediate(turn);
}

export function logClosed(): AdapterError {
  return new AdapterError("log_closed", { retryable: false, detail: "the readings log is closed" });
}
