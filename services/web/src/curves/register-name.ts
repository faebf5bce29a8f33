import { isMessage, t } from "../language/language.ts";

/** What a register counts, in words; undefined where its code is all that is known. */
export function registerWords(register: string): string | undefined {
  const known = `register.${register}`;
  return isMessage(known) ? t(known) : undefined;
}

/** `1.8.0 · taken, total`. */
export function registerTitle(register: string): string {
  const words = registerWords(register);
  return words === undefined ? register : `${register} · ${words}`;
}
