/** A message that waits to leave, or to be acknowledged. */
export interface Flight<Message> {
  readonly message: Message;
  done: boolean;
}

/** Messages in order: those that wait to leave and those on the way, of which there are at most `sizeMax`. */
export interface MessageWindow<Message> {
  push(message: Message): void;
  /** Takes what may leave now. */
  launch(leave: (flight: Flight<Message>) => void): void;
  /** Answers false where it was landed before. */
  land(flight: Flight<Message>): boolean;
  /** Those on the way that are not acknowledged, in order. */
  unacknowledged(): readonly Flight<Message>[];
  /** Forgets those that have not left. */
  dropWaiting(): void;
  readonly hasRoom: boolean;
  readonly isIdle: boolean;
  /** None is on the way. */
  readonly isLanded: boolean;
}

export function messageWindow<Message>(sizeMax: number): MessageWindow<Message> {
  const waiting: Message[] = [];
  const flying: Flight<Message>[] = [];
  return {
    push: (message) => void waiting.push(message),
    launch(leave) {
      while (waiting.length > 0 && flying.length < sizeMax) {
        const flight: Flight<Message> = { message: waiting.shift() as Message, done: false };
        flying.push(flight);
        leave(flight);
      }
    },
    land(flight) {
      if (flight.done) return false;
      flight.done = true;
      // The window slides over the oldest only, so it bounds how far order can be disturbed by sending again.
      while (flying[0]?.done === true) flying.shift();
      return true;
    },
    unacknowledged: () => flying.filter(({ done }) => !done),
    dropWaiting() {
      waiting.length = 0;
    },
    get hasRoom() {
      return waiting.length < sizeMax;
    },
    get isIdle() {
      return waiting.length === 0 && flying.length === 0;
    },
    get isLanded() {
      return flying.length === 0;
    },
  };
}
