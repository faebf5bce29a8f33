import type { messages } from "./en/messages.ts";

/** English is the list of what there is; the others are checked against it. */
export type MessageId = keyof typeof messages;
export type Messages = Readonly<Record<MessageId, string>>;

/** Of each rule its name, and what it means. */
export type RuleTexts = Readonly<Record<string, { readonly name: string; readonly about: string }>>;
