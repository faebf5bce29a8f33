import type { TopicName } from "./topic-names.ts";

/** How long records must be kept, in days. */
export interface Retention {
  readonly readingsRetentionDays: number;
  /** Of refused messages; kept for ever where absent. */
  readonly rejectedRetentionDays?: number | undefined;
  /** Of who has read what; kept for ever where absent. */
  readonly auditRetentionDays?: number | undefined;
}

/** How one setting of a topic must be. */
export interface TopicRule {
  readonly setting: string;
  /** Whether a value will do; a setting that the broker does not know is not looked at. */
  readonly isRight: (value: string) => boolean;
  /** What topics are made with, and what is set where the value will not do. */
  readonly wish: string;
  /** What a value that will not do can cost. */
  readonly costs: string;
  /** Whether records could be lost, bills differ or nothing could be written: then a service refuses to start. */
  readonly severe: boolean;
}

const dayMs = 86_400_000;
/** A write of frames is at most 8 MiB, a report or a rejected message up to 16 MiB. */
const largeBytesMin = 18 * 1024 * 1024;
/** A write of several is half a mebibyte. */
const smallBytesMin = 1024 * 1024;
const large: ReadonlySet<TopicName> = new Set<TopicName>(["readings", "rejected"]);
const compacted: ReadonlySet<TopicName> = new Set<TopicName>(["registry", "tallies", "jobs", "gaps"]);

/** Everything of a topic's settings that can lose or change what is written to it. */
export function topicRules(name: TopicName, retention: Retention): TopicRule[] {
  const rules = [cleanup(name), bytes(name), compression, election];
  // A compacted topic keeps the newest of each key, however old and however many.
  if (name === "tallies") return [...rules, segments];
  if (name === "registry") return [...rules, history];
  if (compacted.has(name)) return rules;
  return [...rules, kept(name, retention), size(), ...(forgets(name, retention) ? [timestamps] : [])];
}

function cleanup(name: TopicName): TopicRule {
  const wish = compacted.has(name) ? "compact" : "delete";
  const costs =
    wish === "compact" ? "what was written long ago would be forgotten" : "records of one key would be thrown away";
  return { setting: "cleanup.policy", isRight: (value) => value === wish, wish, costs, severe: true };
}

const yearMs = 365 * dayMs;

/** What is compacted after so long is never: each version of master data is looked up, and replayed. */
const history: TopicRule = {
  setting: "min.compaction.lag.ms",
  isRight: (value) => Number(value) >= 100 * yearMs,
  wish: String(1000 * yearMs),
  costs: "the history of master data would be thrown away",
  severe: true,
};

/** A segment that is written to is not compacted, and whoever starts reads all of it. */
const segments: TopicRule = {
  setting: "segment.ms",
  isRight: (value) => Number(value) <= dayMs,
  wish: String(dayMs / 24),
  costs: "it would grow for days before it is compacted, and each API that starts would read it",
  severe: false,
};

function daysOf(name: TopicName, retention: Retention): number | undefined {
  if (name === "readings") return retention.readingsRetentionDays;
  if (name === "audit") return retention.auditRetentionDays;
  return name === "rejected" ? retention.rejectedRetentionDays : undefined;
}

const settingOf: Readonly<Partial<Record<TopicName, string>>> = {
  readings: "METERBOOK_LOG_RETENTION_DAYS",
  rejected: "METERBOOK_REJECTED_RETENTION_DAYS",
  audit: "METERBOOK_AUDIT_RETENTION_DAYS",
};

function forgets(name: TopicName, retention: Retention): boolean {
  return daysOf(name, retention) !== undefined;
}

function kept(name: TopicName, retention: Retention): TopicRule {
  const setting = "retention.ms";
  const days = daysOf(name, retention);
  const ms = days === undefined ? Number.POSITIVE_INFINITY : days * dayMs;
  const isRight = (value: string) => value === "-1" || Number(value) >= ms;
  const wish = ms === Number.POSITIVE_INFINITY ? "-1" : String(ms);
  const costs = days === undefined ? "it is kept for ever" : `${settingOf[name]} is ${days}`;
  return { setting, isRight, wish, costs, severe: true };
}

function size(): TopicRule {
  const isRight = (value: string) => value === "-1";
  const costs = "the oldest would be forgotten, however young, when there are many";
  return { setting: "retention.bytes", isRight, wish: "-1", costs, severe: true };
}

function bytes(name: TopicName): TopicRule {
  const min = large.has(name) ? largeBytesMin : smallBytesMin;
  const isRight = (value: string) => Number(value) >= min;
  return {
    ...{ setting: "max.message.bytes", isRight, wish: String(min), severe: true },
    costs: "what is larger could not be written",
  };
}

const readable = new Set(["producer", "gzip", "uncompressed"]);
const compression: TopicRule = {
  setting: "compression.type",
  isRight: (value) => readable.has(value),
  wish: "producer",
  costs: "we could not read what the broker keeps",
  severe: true,
};

const election: TopicRule = {
  setting: "unclean.leader.election.enable",
  isRight: (value) => value === "false",
  wish: "false",
  costs: "acknowledged records would be lost with the broker that has them",
  severe: true,
};

/** By the times of records the broker forgets, and it refuses those whose time is far from its own. */
const timestamps: TopicRule = {
  setting: "message.timestamp.type",
  isRight: (value) => value === "LogAppendTime",
  wish: "LogAppendTime",
  costs: "what a host with a wrong clock writes would be forgotten too soon, or refused",
  severe: false,
};
