/** biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text of programs. */
/** A fault put into the code on purpose: one change of the text of one file. */
export interface Fault {
  readonly name: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Of a walk that found it; up to 600 walks were looked at from 1 on. */
  readonly seed: number;
}

const at = (file: string) => `services/aggregator/src/${file}.ts`;
const billing = (file: string) => `services/api/src/billing/${file}.ts`;
const inMemory = at("partition/partition-memory");
const pending = at("issue/pending-meters");
const passing = at("partition/pass-barrier");

/**
 * Each makes what is issued a matter of luck, or wrong, or leaves something out. The walk finds each from its seed on.
 */
export const faults: readonly Fault[] = [
  {
    seed: 59,
    name: "a barrier that was carried out is not known",
    file: inMemory,
    find: "isCarriedOut: (offset) => offset < carriedTo,",
    replace: "isCarriedOut: () => false,",
  },
  {
    seed: 1,
    name: "every barrier counts as carried out",
    file: inMemory,
    find: "isCarriedOut: (offset) => offset < carriedTo,",
    replace: "isCarriedOut: () => true,",
  },
  {
    seed: 1,
    name: "the barrier behind the last that was carried out counts as well",
    file: inMemory,
    find: "isCarriedOut: (offset) => offset < carriedTo,",
    replace: "isCarriedOut: (offset) => offset <= carriedTo,",
  },
  {
    seed: 1,
    name: "the position is recorded before the ledger has what is issued",
    file: passing,
    find: "if (memory.isCarriedOut(by.offset)) pending.done(isDue());\n    else await issueAndSeal(isDue, barrier);\n    await memory.carriedOut(by.offset);",
    replace:
      "const known = memory.isCarriedOut(by.offset);\n    await memory.carriedOut(by.offset);\n    if (known) pending.done(isDue());\n    else await issueAndSeal(isDue, barrier);",
  },
  {
    seed: 1,
    name: "a barrier counts as carried out though the ledger did not take it",
    file: passing,
    find: "else await issueAndSeal(isDue, barrier);",
    replace: "else await issue(isDue).catch(() => pending.done(isDue()));",
  },
  {
    seed: 122,
    name: "what came after a barrier that is passed again is not looked for",
    file: at("evaluate/evaluate-meter"),
    find: "return issued.some(({ issuedAtMs }) => issuedAtMs > nowMs);",
    replace: "return issued.length < 0;",
  },
  {
    seed: 1,
    name: "frames that are read again make no meter wait",
    file: at("partition/partition-work"),
    find: "lookAgain(memory.knownMeters, frames, memory.pending, damaged);",
    replace: "",
  },
  {
    seed: 1,
    name: "frames that are read again are taken for such as come in order",
    file: at("apply/look-again"),
    find: "affect(report, waiting, channel, instant, unordered);",
    replace: "affect(report, waiting, channel, instant, 0);",
  },
  {
    seed: 5,
    name: "frames are not cut where the store ends",
    file: at("partition/partition-work"),
    find: "|| offset === position;",
    replace: ";",
  },
  {
    seed: 6,
    name: "frames that were taken already are taken twice",
    file: at("partition/partition-work"),
    find: "await take(run.filter(({ offset }) => offset >= memory.position));",
    replace: "await take(run);",
  },
  {
    seed: 6,
    name: "a number that is out is overlooked",
    file: at("issue/issued-up-to"),
    find: "queueNumber > oldestQueueNumber);",
    replace: "queueNumber > oldestQueueNumber + 1);",
  },
  {
    seed: 5,
    name: "a record that failed counts as reached",
    file: inMemory,
    find: "notReached();",
    replace: "",
  },
  {
    seed: 16,
    name: "a month's end is noted before its meters are issued",
    file: at("issue/boundary-watch"),
    find: "issuedUpTo.noted(`swept:${zone}`, stage, pending.nextQueueNumber);",
    replace: "issuedUpTo.noted(`swept:${zone}`, stage, 0);",
  },
  {
    seed: 36,
    name: "that a zone without meters was swept is not noted",
    file: at("issue/boundary-watch"),
    find: "issuedUpTo.noted(`swept:${zone}`, stage, pending.nextQueueNumber);",
    replace: "if (meters.length > 0) issuedUpTo.noted(`swept:${zone}`, stage, pending.nextQueueNumber);",
  },
  {
    seed: 1,
    name: "log time is the host's",
    file: passing,
    find: "memory.time.move(barrierMs, by.offset);",
    replace: "memory.time.move(clock.nowMs(), by.offset);",
  },
  {
    seed: 3,
    name: "a barrier that is tried again is later",
    file: at("issue/log-time"),
    find: "if (offset === movedBy) return;",
    replace: "",
  },
  {
    seed: 2,
    name: "what waits is forgotten when memory begins again",
    file: inMemory,
    find: "pending.moveTo(opened.meet);",
    replace: "pending.done([...knownMeters.all()]);",
  },
  {
    seed: 7,
    name: "master data are forgotten when memory begins again",
    file: inMemory,
    find: "if (record !== undefined) opened.register(record);",
    replace: "",
  },
  {
    seed: 14,
    name: "of two months that a meter waits for the later one counts",
    file: pending,
    find: "Math.min(known, fromPeriod)",
    replace: "Math.max(known, fromPeriod)",
  },
  {
    seed: 5,
    name: "a close leaves out who gathers readings",
    file: passing,
    find: "quietBefore: everything, readyThrough",
    replace: "quietBefore: 0, readyThrough",
  },
  {
    seed: 17,
    name: "the right to issue is never taken back",
    file: passing,
    find: "ledger.fenced(clock.nowMs());",
    replace: "ledger.fenced(Number.POSITIVE_INFINITY);",
  },
  {
    seed: 3,
    name: "master data count at once",
    file: at("partition/follow-registry"),
    find: "if (position <= counted) {",
    replace: "if (position > 0) {",
  },
  {
    seed: 1,
    name: "no seal is due without a close",
    file: at("issue/period-sealing"),
    find: "return atMs - waiting >= sealAfterMs;",
    replace: "return atMs < 0;",
  },
  {
    seed: 28,
    name: "an owner does not seal what the one before has issued",
    file: at("issue/period-sealing"),
    find: 'let waiting: "maybe" | "no" | number = "maybe";',
    replace: 'let waiting: "maybe" | "no" | number = "no";',
  },
  {
    seed: 31,
    name: "an owner that issues something itself seals what the one before has issued ten minutes late",
    file: at("issue/period-sealing"),
    find: 'if (waiting === "no") waiting = atMs;',
    replace: 'if (typeof waiting !== "number") waiting = atMs;',
  },
  {
    seed: 2,
    name: "a close is said to be done before it is passed",
    file: billing("close-period"),
    find: "(positions.get(partition) ?? 0) <= offset",
    replace: "(positions.get(partition) ?? 0) < offset",
  },
  {
    seed: 1,
    name: "a close is done when one partition has passed it",
    file: billing("close-period"),
    find: "if (left.size === 0) break;",
    replace: "if (left.size < partitions.length) break;",
  },
  {
    seed: 1,
    name: "a close whose process ended is taken up by nobody",
    file: billing("close-jobs"),
    find: 'if (!running.has(job.id) && (isDead || which === "all")) void begin(job);',
    replace: "void isDead;",
  },
  {
    seed: 2,
    name: "a page of changes leaves out the entry that follows the last of the page before",
    file: "packages/adapters/src/sqlite-views/ledger/snapshot-reads.ts",
    find: "let from = rowOf({ shard, sequence: after[shard] ?? 0 });",
    replace: "let from = rowOf({ shard, sequence: after[shard] ?? 0 }) + (after[shard] === undefined ? 0 : 1);",
  },
  {
    seed: 1,
    name: "who has read one shard stands at the beginning of the others",
    file: "packages/sharding/src/ledger-place.ts",
    find: "place[index] ?? 0);",
    replace: "index < 0 ? place.length : 0);",
  },
];
