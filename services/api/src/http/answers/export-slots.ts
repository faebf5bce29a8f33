import { ApiProblem } from "../problems/problem.ts";

/** How many streams may run at a time: each holds a read of the store and a share of the process. */
export interface ExportSlots {
  readonly active: number;
  /**
   * Takes a slot of the caller's share; the answer gives it back and may be called twice.
   * @throws ApiProblem `too_many_exports`
   */
  take(caller: string): () => void;
}

const retryAfterSeconds = 5;

export function exportSlots(max: number, perCallerMax: number = max): ExportSlots {
  let active = 0;
  const byCaller = new Map<string, number>();

  function count(caller: string, change: 1 | -1): void {
    active += change;
    const now = (byCaller.get(caller) ?? 0) + change;
    if (now === 0) byCaller.delete(caller);
    else byCaller.set(caller, now);
  }

  return {
    get active() {
      return active;
    },
    take(caller) {
      const share = (byCaller.get(caller) ?? 0) >= perCallerMax;
      if (share || active >= max) {
        const detail = `${share ? `${perCallerMax} exports of yours` : `${max} exports`} are running; try again in ${retryAfterSeconds} s`;
        throw new ApiProblem("too_many_exports", detail, { headers: { "retry-after": String(retryAfterSeconds) } });
      }
      count(caller, 1);
      let given = true;
      return () => {
        if (given) count(caller, -1);
        given = false;
      };
    },
  };
}
