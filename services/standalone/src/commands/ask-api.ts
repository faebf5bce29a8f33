/** Asks an API; answers the status and the JSON. */
export type AskApi = (path: string) => Promise<{ readonly status: number; readonly body: unknown }>;

const waitMsMax = 60_000;

export function askApi(url: string, key: string | undefined): AskApi {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return async (path) => {
    const response = await fetch(new URL(path, url), { headers, signal: AbortSignal.timeout(waitMsMax) });
    return { status: response.status, body: await response.json().catch(() => undefined) };
  };
}
