import { apiDecoders } from "./api-decoders.ts";
import { certificateDecoders } from "./certificate-decoders.ts";
import type { Decoder } from "./decoder.ts";
import { doorDecoders } from "./door-decoders.ts";
import { messageDecoders } from "./message-decoders.ts";
import { recordDecoders } from "./record-decoders.ts";
import { storeDecoders } from "./store-decoders.ts";

/** Whoever reads bytes that come from outside, or from a disk. */
export const allDecoders: readonly Decoder[] = [
  ...messageDecoders,
  ...doorDecoders,
  ...recordDecoders,
  ...storeDecoders,
  ...apiDecoders,
  ...certificateDecoders,
];
