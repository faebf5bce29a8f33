import type { Progress } from "@meterbook/core/ports/series-store";

/**
 * How far everything is issued, without a list of what is not. Each meter that becomes pending takes the next number;
 * an offset or a note that was reached at a number is complete once all earlier numbers are handed back.
 */
export interface IssuedUpTo {
  readonly issuedPosition: number;
  readonly notes: Readonly<Record<string, number>>;
  /**
   * What the frames before `position` change is marked; later ones take `queueNumber` or a greater one. The answer
   * takes it back, where nothing else has happened since: frames that are not in the store must be read again.
   */
  reached(position: number, queueNumber: number): () => void;
  /** The same for something else: the marks that belong to it have numbers before `queueNumber`. */
  noted(name: string, value: number, queueNumber: number): void;
  /** All numbers before this one are handed back. Answers whether anything became complete by it. */
  complete(oldestQueueNumber: number): boolean;
}

interface Mark {
  readonly queueNumber: number;
  readonly apply: () => void;
  readonly kind: string;
}

export function trackIssued({ issuedPosition, notes }: Pick<Progress, "issuedPosition" | "notes">): IssuedUpTo {
  let issued = issuedPosition;
  let complete = notes;
  let open: Mark[] = [];

  function add(mark: Mark): void {
    // Of one kind at one number only the newest matters: the list stays as short as the meters that wait.
    const last = open.at(-1);
    if (last?.queueNumber === mark.queueNumber && last.kind === mark.kind) open.pop();
    open.push(mark);
  }

  return {
    get issuedPosition() {
      return issued;
    },
    get notes() {
      return complete;
    },
    reached(position, queueNumber) {
      const before = { issued, complete, open: [...open] };
      add({
        queueNumber,
        kind: "position",
        apply: () => {
          issued = Math.max(issued, position);
        },
      });
      return () => {
        ({ issued, complete, open } = before);
      };
    },
    noted: (name, value, queueNumber) =>
      add({
        queueNumber,
        kind: name,
        apply: () => {
          complete = { ...complete, [name]: value };
        },
      }),
    complete(oldestQueueNumber) {
      const first = open.findIndex(({ queueNumber }) => queueNumber > oldestQueueNumber);
      const done = first === -1 ? open : open.slice(0, first);
      if (done.length === 0) return false;
      for (const { apply } of done) apply();
      open = first === -1 ? [] : open.slice(first);
      return true;
    },
  };
}
