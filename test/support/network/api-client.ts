/** What `GET /v1/status` answers. */
export interface Status {
  readonly received: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly rejected: number;
  readonly inFlight: number;
  readonly lagSeconds: number;
  readonly snapshotsPending: number;
  readonly settled: boolean;
}

export interface ApiClient {
  /** GET, parsed; throws where the answer is not 2xx. */
  get<Answer>(path: string): Promise<Answer>;
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Waits until everything received is stored and every snapshot recomputed. */
  settled(timeoutMs?: number): Promise<Status>;
}

/** The API under an address that may change; `errors` is shown when something never settles. */
export function apiClient(httpUrl: () => string, errors: () => string): ApiClient {
  const request = (path: string, init?: RequestInit) => fetch(httpUrl() + path, init);

  async function get<Answer>(path: string): Promise<Answer> {
    const response = await request(path);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  return {
    get,
    request,
    async settled(timeoutMs = 60_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const status = await get<Status>("/v1/status").catch((error: unknown) => error);
        if (!(status instanceof Error) && (status as Status).settled) return status as Status;
        if (Date.now() > deadline)
          throw new Error(`not settled: ${String(JSON.stringify(status))} ${String(status)}\n${errors()}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}
