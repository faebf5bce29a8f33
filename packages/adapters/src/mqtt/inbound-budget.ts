/** Counts what all connections have handed to `take` and what has not settled, and says when it is too much. */
export interface InboundBudget {
  add(bytes: number): void;
  remove(bytes: number): void;
  messages(): number;
  /** More than the maximum is in flight, and it has not yet fallen below half of it. */
  exhausted(): boolean;
}

export function inboundBudget(bytesMax: number, changed: (exhausted: boolean) => void): InboundBudget {
  let bytesInFlight = 0;
  let messagesInFlight = 0;
  let exhausted = false;
  return {
    add(bytes) {
      bytesInFlight += bytes;
      messagesInFlight += 1;
      if (exhausted || bytesInFlight <= bytesMax) return;
      exhausted = true;
      changed(true);
    },
    remove(bytes) {
      bytesInFlight -= bytes;
      messagesInFlight -= 1;
      if (!exhausted || bytesInFlight > bytesMax / 2) return;
      exhausted = false;
      changed(false);
    },
    messages: () => messagesInFlight,
    exhausted: () => exhausted,
  };
}
