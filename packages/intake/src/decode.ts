import type { Fault } from "@meterbook/core/domain/validation/rejection-reason";
import { MalformedMessage } from "@meterbook/core/records/protobuf-cursor";
import { TooManyRegisters } from "./count-registers.ts";
import type { JsonBounds } from "./decoders/json/json-bounds.ts";
import { readJsonReport, TooComplex, TooManyFaults } from "./decoders/json/meter-report-json.ts";
import { readWireReport } from "./decoders/protobuf/read-wire-report.ts";
import { type Decoded, TooManyReadings } from "./wire-report.ts";

/** The forms in which a message may come. Each has a folder in `decoders`. */
export type ContentType = "application/x-protobuf" | "application/json";

export interface DecodeLimits {
  readonly readingsMax: number;
  /** Registers that one message may name: no meter may have more. */
  readonly registersMax: number;
  /**
   * Whoever reads the rejected log gets the whole message with every refused reading. Above this product of refused
   * readings and payload bytes the message is refused as one.
   */
  readonly refusedBytesMax: number;
  /** `readingsMax` readings of seven members each are 80 000 entries, three deep. */
  readonly json: JsonBounds;
}

const decoders: Readonly<Record<ContentType, (bytes: Uint8Array, limits: DecodeLimits) => Decoded>> = {
  "application/x-protobuf": (bytes, { readingsMax, registersMax }) => ({
    report: readWireReport(bytes, readingsMax, registersMax),
    faults: noFaults,
  }),
  "application/json": (bytes, limits) => {
    const { readingsMax, registersMax, json } = limits;
    return readJsonReport(bytes, { readingsMax, registersMax, faultsMax: faultsMax(bytes, limits), bounds: json });
  },
};

const noFaults: Decoded["faults"] = new Map();

/** How many readings of a message may be refused one by one. */
export function faultsMax(payload: Uint8Array, { refusedBytesMax }: Pick<DecodeLimits, "refusedBytesMax">): number {
  return Math.max(1, Math.floor(refusedBytesMax / payload.length));
}

/**
 * The report in a message's bytes, the same for each form, or why there is none. What its readings say is judged
 * elsewhere, and alike for all forms (judge-readings.ts). Expected bad data is an answer, never an error.
 */
export function decode(bytes: Uint8Array, contentType: ContentType, limits: DecodeLimits): Decoded | Fault {
  try {
    return decoders[contentType](bytes, limits);
  } catch (error) {
    if (error instanceof MalformedMessage) return faultOf(error);
    throw error;
  }
}

function faultOf(error: MalformedMessage): Fault {
  const detail = error.message;
  if (error instanceof TooManyRegisters) return { reason: "too_many_registers", detail: `readings: ${detail}` };
  if (error instanceof TooManyReadings) return { reason: "too_many_readings", detail: `readings: ${detail}` };
  if (error instanceof TooManyFaults) return { reason: "too_many_refused", detail: `readings: ${detail}` };
  if (error instanceof TooComplex) return { reason: "report_too_complex", detail: `payload: ${detail}` };
  return { reason: "report_malformed", detail: `payload: ${detail}` };
}
