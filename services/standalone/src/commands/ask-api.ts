import { messageOf } from "@meterbook/core/ports/adapter-error";
import { CommandError } from "./run-command.ts";

/** Asks an API; answers the status and the JSON. */
export type AskApi = (path: string) => Promise<{ readonly status: number; readonly body: unknown }>;

const waitMsMax = 60_000;

export function askApi(url: string, key: string | undefined): AskApi {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return async (path) => {
    const signal = AbortSignal.timeout(waitMsMax);
    const response = await fetch(new URL(path, url), { headers, signal }).catch((error: Error) => {
      throw new CommandError(`${url} gives no answer: ${messageOf(error.cause ?? error)}`, { cause: error });
    });
    return { status: response.status, body: await response.json().catch(() => undefined) };
  };
}
