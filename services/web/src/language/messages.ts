import type { messages } from "./en/messages.ts";

/** English is the list of what there is; the others are checked against it. */
export type MessageId = keyof typeof messages;
export type Messages = Readonly<Record<MessageId, string>>;
