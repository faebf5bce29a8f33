import type { RuleBook } from "@meterbook/core/domain/valuation/rule-book";
import type { WatchFiles } from "./http/access/keys-file.ts";
import { type DrainBounds, drainDefaults } from "./http/answers/answer-and-drain.ts";

/** Bounds of what one client can ask for. Sizes in bytes, times in milliseconds. */
export interface ApiLimits extends DrainBounds {
  /** JSON bodies. */
  readonly bodyBytesMax: number;
  readonly importBytesMax: number;
  readonly importLinesMax: number;
  readonly headerBytesMax: number;
  /** To receive a whole request; an import of the largest size must fit. */
  readonly requestMs: number;
  /** A connection on which nothing moves, in or out, is closed: a client that stopped reading its export too. */
  readonly idleMs: number;
  readonly connectionsMax: number;
  /** To receive a request's headers. */
  readonly headersMs: number;
  /** To receive the body of any other request than an import. */
  readonly bodyMs: number;
  /** A connection that waits for its next request is closed after it. */
  readonly keepAliveMs: number;
  /** NDJSON and CSV streams at a time, over all clients. */
  readonly exportsMax: number;
  /** Of one key; without keys, of one address. */
  readonly exportsPerCallerMax: number;
  /** A stream whose client stays behind and takes less than the least rate over this time is ended. */
  readonly exportSlowMs: number;
  readonly exportBytesPerSecondMin: number;
  /** Snapshots, readings or other entries that an export reads at a time. */
  readonly exportPage: number;
  /** Snapshots that an export writes in the API's own thread before others are started. */
  readonly exportAloneMax: number;
  /** How long `close` waits for answers under way. */
  readonly closeMs: number;
  /** How long a period's close may take, for which its connection is kept although nothing moves on it. */
  readonly commandMs: number;
  /** Personal reads that wait to be written down; who asks for more is refused until they are. */
  readonly readsWaitingMax: number;
  /** A call without an answer after so long is told what keeps the service from its work, where something does. */
  readonly answerMs: number;
}

export const defaultLimits: ApiLimits = {
  ...drainDefaults,
  bodyBytesMax: 256 * 1024,
  importBytesMax: 64 * 1024 * 1024,
  importLinesMax: 100_000,
  headerBytesMax: 16 * 1024,
  requestMs: 300_000,
  idleMs: 120_000,
  connectionsMax: 2000,
  headersMs: 10_000,
  bodyMs: 30_000,
  keepAliveMs: 30_000,
  exportsMax: 8,
  exportsPerCallerMax: 4,
  exportSlowMs: 30_000,
  exportBytesPerSecondMin: 4096,
  exportPage: 1000,
  exportAloneMax: 20_000,
  closeMs: 10_000,
  commandMs: 600_000,
  readsWaitingMax: 10_000,
  answerMs: 4500,
};

export interface ApiSettings {
  readonly listen: { readonly host: string; readonly port: number };
  /** METERBOOK_API_KEYS_FILE; without it the API is open and listens on loopback only. */
  readonly apiKeysFile?: string;
  /** So that lines that are added to it or struck off count without a restart. */
  readonly watchFiles?: WatchFiles;
  /** So long before its end a key is a notice; never where absent. */
  readonly keyNoticeMs?: number;
  /** Zone of a usage point that names none, and of the periods as a whole. */
  readonly timeZone: string;
  /** By which readings are judged, as the aggregator does; the usual ones where absent. */
  readonly rules?: RuleBook;
  readonly version?: string;
  /** Folder of the built pages, served at `/`; none where absent. */
  readonly pages?: string;
  readonly limits?: Partial<ApiLimits>;
}
