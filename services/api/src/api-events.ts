/** What an operator should see of the API; the service's `main.ts` turns it into log lines. */
export interface ApiEvents {
  /** A call failed and it is not the caller's fault. */
  requestFailed(failure: { route: string; code: string; cause: unknown }): void;
  /** There is no keys file, so everybody on this machine may call everything. */
  openWithoutKeys(listen: { address: string }): void;
}

export const silentEvents: ApiEvents = { requestFailed: () => undefined, openWithoutKeys: () => undefined };
