import type { IncomingMessage, ServerResponse } from "node:http";
import { inForce, type RegisteredMeter } from "@meterbook/core/domain/registry/registered-meter";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { RuleBook } from "@meterbook/core/domain/valuation/rule-book";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { StoredMeter } from "@meterbook/core/ports/series-store";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { ApiPorts } from "./api-ports.ts";
import type { ApiLimits } from "./api-settings.ts";
import type { KeysFile } from "./http/access/keys-file.ts";
import type { StreamAnswers } from "./http/answers/stream-answers.ts";
import { ApiProblem } from "./http/problems/problem.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Of the caller's key; empty where the API is open. */
    callerName: string;
  }
}

export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What the routes share. */
export interface ApiContext {
  readonly ports: ApiPorts;
  readonly limits: ApiLimits;
  /** Of a usage point that names no zone, and of the periods as a whole. */
  readonly timeZone: string;
  /** By which readings are judged. */
  readonly rules: RuleBook;
  readonly streams: StreamAnswers;
  /** Resolves when the log of personal reads holds all that was answered so far. */
  readonly readsWritten: () => Promise<void>;
  /** Undefined where no key is needed. */
  readonly callerOf: KeysFile["callerOf"] | undefined;
  /** What an operator should know of this process, beside what its ports tell. */
  readonly notices: () => readonly string[];
}

/** A meter of which the registry or the store has heard. */
export interface KnownMeter {
  readonly meterId: string;
  readonly record: RegisteredMeter | undefined;
  /** There is one, and it cannot be read: nothing may be told that needs it. */
  readonly damaged: AdapterError | undefined;
  readonly stored: StoredMeter | undefined;
  readonly calendar: LocalCalendar;
}

/** @throws ApiProblem `meter_unknown` when neither registry nor store knows the meter */
export async function knownMeter({ ports, timeZone }: ApiContext, meterId: string): Promise<KnownMeter> {
  const [found, stored] = await Promise.all([
    ports.registry.get(meterId).catch(ifDamaged),
    ports.series.meter(meterId),
  ]);
  const [record, damaged] = found instanceof AdapterError ? [undefined, found] : [found, undefined];
  if (record === undefined && stored === undefined && damaged === undefined) {
    throw new ApiProblem("meter_unknown", `meter ${meterId} is not in the registry and never reported`);
  }
  const zone = record === undefined ? timeZone : (inForce(record).zone ?? timeZone);
  return { meterId, record, damaged, stored, calendar: localCalendar(zone) };
}

/**
 * For whatever is made by master data.
 * @throws AdapterError `record_damaged` where they cannot be read
 */
export function withSoundRecord(meter: KnownMeter): KnownMeter {
  if (meter.damaged !== undefined) throw meter.damaged;
  return meter;
}

function ifDamaged(error: unknown): AdapterError {
  if (error instanceof AdapterError && error.code === "record_damaged") return error;
  throw error;
}
