import { canonicalRegister } from "@meterbook/core/domain/reading/identifiers";
import { MalformedMessage } from "@meterbook/core/records/protobuf-cursor";
import type { RegisterName } from "@meterbook/core/records/register-names";

interface NamesRegisters {
  readonly readings: readonly { readonly register: RegisterName }[];
  readonly profiles: readonly { readonly register: RegisterName }[];
}

/** A message names more registers than a meter may have. */
export class TooManyRegisters extends MalformedMessage {}

/**
 * Throws TooManyRegisters if a report names more registers than the limit; two names of one register count once. Looks
 * no further than it must, so that invented registers cost less than reported ones.
 */
export function checkRegisters({ readings, profiles }: NamesRegisters, registersMax: number): void {
  if (readings.length + profiles.length <= registersMax) return;
  const count = registerCount(registersMax);
  for (const { register } of readings) count(register.text, register.canonical);
  for (const { register } of profiles) count(register.text, register.canonical);
}

/** The same for the readings of a JSON message of which nothing else is known yet. */
export function checkJsonRegisters(items: readonly unknown[], registersMax: number): void {
  if (items.length <= registersMax) return;
  const count = registerCount(registersMax);
  for (const item of items) {
    const text = (item as { register?: unknown } | null)?.register;
    if (typeof text === "string") count(text);
  }
}

function registerCount(max: number): (text: string, canonical?: string) => void {
  const texts = new Set<string>();
  const registers = new Set<string>();
  let before: string | undefined;
  return (text, canonical) => {
    if (text === before || texts.has(text)) return;
    before = text;
    texts.add(text);
    registers.add(canonical ?? canonicalRegister(text) ?? text);
    if (registers.size > max) throw new TooManyRegisters(`it names more than ${max} registers`);
  };
}
