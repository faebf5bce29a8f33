/** Waits for conditions that somebody else changes. */
export interface ConditionWatch {
  /** Resolves when `wanted` holds at a `tell`, or already; rejects when it was `fail`ed. */
  until(wanted: () => boolean): Promise<void>;
  /** Something has changed. */
  tell(): void;
  /** Nothing that is wanted will come. */
  fail(error: Error): void;
  readonly failure: Error | undefined;
}

interface Waiting {
  readonly wanted: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export function conditionWatch(): ConditionWatch {
  let waiting: Waiting[] = [];
  let failure: Error | undefined;
  return {
    until: (wanted) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) reject(failure);
        else if (wanted()) resolve();
        else waiting.push({ wanted, resolve, reject });
      }),
    tell() {
      if (waiting.length === 0) return;
      const met = waiting.filter(({ wanted }) => wanted());
      waiting = waiting.filter((one) => !met.includes(one));
      for (const { resolve } of met) resolve();
    },
    fail(error) {
      failure = error;
      const all = waiting;
      waiting = [];
      for (const { reject } of all) reject(error);
    },
    get failure() {
      return failure;
    },
  };
}
