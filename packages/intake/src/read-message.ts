import { isId } from "@meterbook/core/domain/reading/identifiers";
import type { Fault } from "@meterbook/core/domain/validation/rejection-reason";
import type { Clock } from "@meterbook/core/ports/clock";
import type { MeterMessage, Sender } from "@meterbook/core/ports/meter-endpoint";
import type { LoggedReport } from "@meterbook/core/ports/readings-log";
import type { Rejection, StoredRejection } from "@meterbook/core/ports/rejected-log";
import { type ContentType, type DecodeLimits, decode, faultsMax } from "./decode.ts";
import { encodeReport } from "./decoders/protobuf/meter-report-protobuf.ts";
import type { DoorRules } from "./door-rules.ts";
import { doorRules } from "./door-rules.ts";
import type { FrozenFrames } from "./frozen-frames.ts";
import { frozenFrames } from "./frozen-frames.ts";
import type { Judgement } from "./judge-readings.ts";
import { judgeReadings } from "./judge-readings.ts";
import { seriesOfReport } from "./kept-readings.ts";
import type { Decoded } from "./wire-report.ts";

export interface ReadLimits extends DecodeLimits {
  readonly bytesMax: number;
  readonly rules: DoorRules;
}

export const readLimits: ReadLimits = {
  readingsMax: 10_000,
  registersMax: 64,
  bytesMax: 256 * 1024,
  refusedBytesMax: 16 * 1024 * 1024,
  json: { depthMax: 8, entriesMax: 100_000 },
  rules: doorRules,
};

/** Each reading of the message is either in `accepted` or has a rejection, or the message as a whole has one. */
export interface ReadMessage {
  readonly accepted: LoggedReport | null;
  readonly rejections: readonly Rejection[];
}

/** Expected bad data is an answer, never an error. */
export interface MessageReader {
  read(message: MeterMessage): ReadMessage;
  /** Reads what was refused under today's rules and today's clock: one reading where one was refused, else all. */
  replay(rejection: StoredRejection): ReadMessage;
}

export function messageReader(limits: ReadLimits, clock: Clock): MessageReader {
  const frames = frozenFrames();
  return {
    read: (message) => readMessage(message, limits, { judgedAtMs: message.receivedAtMs, frames }),
    replay: (rejection) => {
      if (rejection.truncatedFrom !== null) return { accepted: null, rejections: [rejectionOf(rejection)] };
      const judgedAtMs = Math.max(rejection.receivedAtMs, clock.nowMs());
      const onlyIndex = rejection.readingIndex;
      return readMessage(rejection, limits, onlyIndex === null ? { judgedAtMs } : { judgedAtMs, onlyIndex });
    },
  };
}

interface Manner {
  readonly judgedAtMs: number;
  /** Absent in a replay: it is none of the meter's frames. */
  readonly frames?: FrozenFrames;
  readonly onlyIndex?: number;
}

function readMessage(message: MeterMessage, limits: ReadLimits, manner: Manner): ReadMessage {
  const topic = parseTopic(message.topic);
  if ("reason" in topic) return refuse(message, null, topic);
  const { meterId } = topic;
  const stranger = senderFault(message.sender, meterId);
  // Under no meter: it is not that one's.
  if (stranger !== undefined) return refuse(message, null, stranger);
  const { bytesMax } = limits;
  if (message.payload.length > bytesMax) {
    return refuse(message, meterId, {
      reason: "packet_too_large",
      detail: `payload: is larger than ${bytesMax} bytes`,
    });
  }
  const read = decode(message.payload, topic.contentType, limits);
  if ("reason" in read) return refuse(message, meterId, read);
  const sentId = read.report.meterId;
  if (sentId !== "" && sentId !== meterId) {
    const detail = `meterId: ${JSON.stringify(sentId.slice(0, 64))} is not the meter of the topic`;
    return refuse(message, meterId, { reason: "meter_id_mismatch", detail });
  }
  if (read.report.count === 0) {
    return refuse(message, meterId, { reason: "empty_report", detail: "readings: there are none" });
  }
  return sortReadings(message, meterId, read, limits, manner);
}

/** What is wrong where a sender is known and does not speak for the meter of the topic. */
export function senderFault(sender: Sender | undefined, meterId: string): Fault | undefined {
  if (sender === undefined || sender.speaksFor(meterId)) return undefined;
  return { reason: "identity_mismatch", detail: `topic: ${sender.name} may not report for ${meterId}` };
}

const topicPattern = /^meters\/([^/]+)\/readings(\/json)?$/;

function parseTopic(topic: string): { meterId: string; contentType: ContentType } | Fault {
  const parts = topicPattern.exec(topic);
  if (parts === null) return { reason: "topic_unknown", detail: "topic: readings go to meters/{meterId}/readings" };
  const meterId = parts[1] as string;
  if (!isId(meterId)) return { reason: "meter_id_invalid", detail: "topic: the meter id breaks the pattern of ids" };
  return { meterId, contentType: parts[2] === undefined ? "application/x-protobuf" : "application/json" };
}

function sortReadings(
  message: MeterMessage,
  meterId: string,
  { report, faults: earlier }: Decoded,
  limits: ReadLimits,
  { judgedAtMs, onlyIndex, frames }: Manner,
): ReadMessage {
  const { receivedAtMs } = message;
  const frozen = frames?.look(meterId, report, receivedAtMs);
  const circumstances = { receivedAtMs, judgedAtMs, earlier, frozen, rules: limits.rules };
  const judgement = judgeReadings(report, onlyIndex === undefined ? circumstances : { ...circumstances, onlyIndex });
  const { faults } = judgement;
  if (faults.length > faultsMax(message.payload, limits)) {
    const detail = `readings: ${faults.length} are refused, the first at ${faults[0]?.detail}`;
    return refuse(message, meterId, { reason: "too_many_refused", detail });
  }
  return {
    accepted: acceptedReport(message, meterId, report, judgement),
    rejections: faults.map((fault) => rejection(message, meterId, fault, fault.index)),
  };
}

function acceptedReport(
  { receivedAtMs, payload, topic }: MeterMessage,
  meterId: string,
  report: Decoded["report"],
  { verdictOf }: Judgement,
): LoggedReport | null {
  const accepted = { meterId, receivedAtMs, origin: "remote" as const };
  if (verdictOf === undefined && !topic.endsWith("/json")) {
    return { ...accepted, report: payload.subarray(report.bodyStart), readings: report.count };
  }
  const series = seriesOfReport(report, 0, verdictOf);
  if (series.length === 0) return null;
  const readings = series.reduce((sum, { at }) => sum + at.length, 0);
  const sequence = Number.isNaN(report.sequence) ? 0 : report.sequence;
  return { ...accepted, report: encodeReport({ sequence, series }), readings };
}

function refuse(message: MeterMessage, meterId: string | null, fault: Fault): ReadMessage {
  return { accepted: null, rejections: [rejection(message, meterId, fault, null)] };
}

function rejection(
  message: MeterMessage,
  meterId: string | null,
  { reason, detail }: Fault,
  readingIndex: number | null,
): Rejection {
  const { topic, clientId, receivedAtMs, payload } = message;
  return { reason, detail, topic, meterId, clientId, receivedAtMs, payload, truncatedFrom: null, readingIndex };
}

function rejectionOf({ id: _id, replayedAtMs: _replayedAtMs, ...rejection }: StoredRejection): Rejection {
  return rejection;
}
