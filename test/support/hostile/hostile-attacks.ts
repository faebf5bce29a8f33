import { type Done, type FloodTarget, flood } from "./hostile-flood.ts";
import { halfRequests, imports, slowExports } from "./hostile-http.ts";
import { floodOfBytes, unfinishedPackets } from "./hostile-packets.ts";
import { oneReading, refusedReadings, reportOfRegisters, unreadable, valueOfZeros } from "./hostile-payloads.ts";

/** Begins and goes on until the process ends. Adds to `done`. */
export type Attack = (target: FloodTarget, done: Done) => void;

/**
 * The attacks of one hostile machine, by the rows of what was tried on Meterbook. Each takes all that its half of a
 * core can. It writes as long as the socket takes bytes, and connects again when it is disconnected, half of the time
 * under another name.
 */
export const attacks = {
  H03: (target, done) => flood(target, done, { connections: 4, name: "zeros", next: valueOfZeros() }),
  H09: (target, done) => {
    // Refused at the door, and as many as a meter may have, which only the aggregator can refuse.
    flood(target, done, { connections: 2, name: "many", next: reportOfRegisters(9_000) });
    flood(target, done, { connections: 2, name: "fresh", next: reportOfRegisters(64) });
  },
  H10: (target, done) => flood(target, done, { connections: 8, name: "refused", next: refusedReadings() }),
  H11: (target, done) => flood(target, done, { connections: 8, name: "invented", next: oneReading() }),
  H12: (target, done) => imports(target, done),
  H13: (target, done) => unfinishedPackets(target, done),
  H14: (target, done) => slowExports(target, done),
  H21: (target, done) => halfRequests(target, done),
  malformed: (target, done) => {
    flood(target, done, { connections: 4, name: "poison", next: unreadable() });
    floodOfBytes(target, done);
  },
} satisfies Record<string, Attack>;

export type AttackName = keyof typeof attacks;
