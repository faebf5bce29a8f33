import type { Progress } from "@meterbook/core/ports/series-store";

/**
 * How far everything is issued, without a list of what is not. Each meter that becomes pending takes the next ticket; an
 * offset or a note that was reached at a ticket is complete once all earlier tickets are handed back.
 */
export interface LowWater {
  readonly issuedPosition: number;
  readonly notes: Readonly<Record<string, number>>;
  /**
   * The frames before `position` have touched what they touch; later ones take `ticket` or a greater one. The answer takes it
   * back, where nothing else has happened since: frames that are not in the store must be read again.
   */
  reached(position: number, ticket: number): () => void;
  /** The same for something else: the marks that belong to it have tickets before `ticket`. */
  noted(name: string, value: number, ticket: number): void;
  /** All tickets before this one are handed back. Answers whether anything became complete by it. */
  complete(oldestTicket: number): boolean;
}

interface Mark {
  readonly ticket: number;
  readonly apply: () => void;
  readonly kind: string;
}

export function lowWater({ issuedPosition, notes }: Pick<Progress, "issuedPosition" | "notes">): LowWater {
  let issued = issuedPosition;
  let complete = notes;
  let open: Mark[] = [];

  function add(mark: Mark): void {
    // Of one kind at one ticket only the newest matters: the list stays as short as the meters that wait.
    const last = open.at(-1);
    if (last?.ticket === mark.ticket && last.kind === mark.kind) open.pop();
    open.push(mark);
  }

  return {
    get issuedPosition() {
      return issued;
    },
    get notes() {
      return complete;
    },
    reached(position, ticket) {
      const before = { issued, complete, open: [...open] };
      add({
        ticket,
        kind: "position",
        apply: () => {
          issued = Math.max(issued, position);
        },
      });
      return () => {
        ({ issued, complete, open } = before);
      };
    },
    noted: (name, value, ticket) =>
      add({
        ticket,
        kind: name,
        apply: () => {
          complete = { ...complete, [name]: value };
        },
      }),
    complete(oldestTicket) {
      const first = open.findIndex(({ ticket }) => ticket > oldestTicket);
      const done = first === -1 ? open : open.slice(0, first);
      if (done.length === 0) return false;
      for (const { apply } of done) apply();
      open = first === -1 ? [] : open.slice(first);
      return true;
    },
  };
}
