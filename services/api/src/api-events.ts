/** What an operator should see of the API; the service's `main.ts` turns it into log lines. */
export interface ApiEvents {
  /** A call failed and it is not the caller's fault. */
  requestFailed(failure: { route: string; code: string; cause: unknown }): void;
  /** A client took its stream too slowly, so it was ended for the sake of others. */
  exportEnded(stream: { route: string; caller: string }): void;
  /** There is no keys file, so everybody on this machine may call everything. */
  openWithoutKeys(listen: { address: string }): void;
  /** Who read what could not be written down; it waits and is tried again. */
  auditFailed(facts: { waiting: number; error: unknown }): void;
  /** The keys file has changed and cannot be used; the keys from before stay. */
  keysFailed(facts: { error: unknown }): void;
}

export const silentEvents: ApiEvents = {
  requestFailed: () => undefined,
  exportEnded: () => undefined,
  openWithoutKeys: () => undefined,
  keysFailed: () => undefined,
  auditFailed: () => undefined,
};
