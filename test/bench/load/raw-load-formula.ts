/**
 * What the load generator sends, in closed form, so that a benchmark can say what must be stored without asking it.
 *
 * Message i (0-based) is of meter `i % meters` and of round `firstRound + floor(i / meters)`. Readings of a register of
 * a meter are numbered k = 0, 1, 2, … without gaps; reading k lies at `startAt + 900 k` and has the value
 * `loadValue(meter, register, k)`, which rises strictly with k. A message of the form `1` holds reading k = round of
 * each register; one of the forms `32` (a compact profile) and `32-single` (32 single entries) holds k = 32 round to 32
 * round + 31 of register 0.
 *
 * No reading is sent twice, so where every message is acknowledged, exactly `loadReadings` are stored, and at a
 * boundary that is `startAt + 900 k` for a k below `loadReadingsOf` a register stands at exactly `loadValue(meter,
 * register, k)`.
 */
export interface Load {
  readonly messages: number;
  readonly meters: number;
  /** 1 to 3, the first of `loadRegisters`; only for the form `1`. */
  readonly registers: number;
  readonly form: LoadForm;
  /** Of reading 0, seconds UTC. */
  readonly startAt: number;
  /** The round of the first message, where others have sent those before it; 0 where absent. */
  readonly firstRound?: number;
}

export const loadForms = ["1", "32", "32-single"] as const;
/**
 * The same readings as another pipeline is used to be sent them: three registers of an instant, or 32 lines of one
 * register.
 */
export const peerForms = ["peer-protobuf", "peer-json", "peer-line", "peer-line-32"] as const;
export type LoadForm = (typeof loadForms)[number] | (typeof peerForms)[number];

export const loadRegisters = ["1.8.0", "1.8.1", "1.8.2"] as const;
export const loadStepSeconds = 900;
/** Readings of a message of the forms `32` and `32-single`. */
export const loadBatch = 32;

export function loadMeterId(meter: number): string {
  return `m${meter}`;
}

/** Wh. */
export function loadValue(meter: number, register: number, k: number): number {
  return (1_000_000 + 7 * meter + 250 * k) * (register + 1);
}

/** What a reading adds to the one before it, Wh. */
export function loadSlope(register: number): number {
  return 250 * (register + 1);
}

/** Readings in all messages. */
export function loadReadings(load: Load): number {
  return load.messages * (isOneInstant(load.form) ? load.registers : loadBatch);
}

/** How many readings a register of a meter gets in all. */
export function loadReadingsOf(load: Load, meter: number, register: number): number {
  const rounds = Math.floor(load.messages / load.meters) + (meter < load.messages % load.meters ? 1 : 0);
  if (isOneInstant(load.form)) return register < load.registers ? rounds : 0;
  return register === 0 ? rounds * loadBatch : 0;
}

function isOneInstant(form: LoadForm): boolean {
  return form !== "32" && form !== "32-single" && form !== "peer-line-32";
}
