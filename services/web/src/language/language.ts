import { signal } from "@preact/signals";
import { IntlMessageFormat } from "intl-messageformat";
import type { MessageId, Messages } from "./messages.ts";

export type Language = "uk" | "en";

const chosen = signal<{ language: Language; messages: Messages } | undefined>(undefined);
const formats = new Map<string, IntlMessageFormat>();
const storageKey = "meterbook.language";

/** Loads the messages of a language and turns the pages to it. */
export async function speak(language: Language): Promise<void> {
  const { messages } = language === "uk" ? await import("./uk/messages.ts") : await import("./en/messages.ts");
  document.documentElement.lang = language;
  chosen.value = { language, messages };
}

export async function choose(language: Language): Promise<void> {
  remember(language);
  await speak(language);
}

export function languageAtStart(): Language {
  return document.documentElement.lang === "uk" ? "uk" : "en";
}

/** The language in use; a component that asks is drawn anew when it changes. */
export function language(): Language {
  return chosen.value?.language ?? "en";
}

/** The message in the language in use, with its values put in (ICU). */
export function t(id: MessageId, values: Record<string, string | number> = {}): string {
  const { language: of = "en", messages } = chosen.value ?? {};
  const text = messages?.[id] ?? id;
  if (!text.includes("{")) return text;
  const key = `${of}:${id}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new IntlMessageFormat(text, of);
    formats.set(key, format);
  }
  return String(format.format(values));
}

/** Whether there is a message of this name: for codes that a newer API may add to. */
export function isMessage(id: string): id is MessageId {
  return chosen.value !== undefined && Object.hasOwn(chosen.value.messages, id);
}

function remember(of: Language): void {
  try {
    localStorage.setItem(storageKey, of);
  } catch {
    // Storage is switched off: it holds for this visit.
  }
}
