/** What came of lines that were handed over. */
export type Shared =
  | { readonly how: "stored" }
  /** The caller writes them itself and calls `done` when that is over, however it ended. */
  | { readonly how: "alone"; readonly done: () => void };

/**
 * Lets the partitions of a process write to a server in common: what comes while a request is under way shares the next
 * one. A request costs the server as much as some hundred lines, and with a request for each partition they would all
 * be small.
 */
export interface SharedWrites {
  /** `send` writes lines of several callers and answers whether all of them are stored. */
  join(text: string, lines: number, send: (text: string, lines: number) => Promise<boolean>): Promise<Shared>;
}

interface Waiting {
  readonly text: string;
  readonly lines: number;
  readonly send: (text: string, lines: number) => Promise<boolean>;
  readonly settle: (shared: Shared) => void;
}

export function sharedWrites({ linesMax }: { readonly linesMax: number }): SharedWrites {
  let waiting: Waiting[] = [];
  let isBusy = false;

  function next(): void {
    const group = takeGroup();
    const [first] = group;
    isBusy = first !== undefined;
    if (first === undefined) return;
    if (group.length === 1) alone(group);
    else void together(group, first.send);
  }

  /** Once all that is at hand has run: partitions that took their batches together come together. */
  function soon(): void {
    if (isBusy) return;
    isBusy = true;
    setImmediate(next);
  }

  function takeGroup(): Waiting[] {
    let lines = 0;
    const beyond = waiting.findIndex((one, index) => {
      lines += one.lines;
      return index > 0 && lines > linesMax;
    });
    const group = waiting.slice(0, beyond === -1 ? waiting.length : beyond);
    waiting = waiting.slice(group.length);
    return group;
  }

  async function together(group: readonly Waiting[], send: Waiting["send"]): Promise<void> {
    const text = group.map((one) => one.text).join("");
    const lines = group.reduce((sum, one) => sum + one.lines, 0);
    const isStored = await send(text, lines).catch(() => false);
    if (!isStored) return alone(group);
    for (const { settle } of group) settle({ how: "stored" });
    next();
  }

  /** What is wrong with the lines of one must not touch those of another. */
  function alone(group: readonly Waiting[]): void {
    let left = group.length;
    const done = () => {
      left -= 1;
      if (left === 0) next();
    };
    for (const { settle } of group) settle({ how: "alone", done });
  }

  return {
    join(text, lines, send) {
      const shared = Promise.withResolvers<Shared>();
      waiting.push({ text, lines, send, settle: shared.resolve });
      soon();
      return shared.promise;
    },
  };
}
