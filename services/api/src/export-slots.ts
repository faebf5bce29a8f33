import { ApiProblem } from "./problem.ts";

/** How many streams may run at a time: each holds a read of the store and a share of the process. */
export interface ExportSlots {
  readonly active: number;
  /**
   * Takes a slot; the answer gives it back and may be called twice.
   * @throws ApiProblem `too_many_exports`
   */
  take(): () => void;
}

const retryAfterSeconds = 5;

export function exportSlots(max: number): ExportSlots {
  let active = 0;
  return {
    get active() {
      return active;
    },
    take() {
      if (active >= max) {
        const detail = `${max} exports are running; try again in ${retryAfterSeconds} s`;
        throw new ApiProblem("too_many_exports", detail, { headers: { "retry-after": String(retryAfterSeconds) } });
      }
      active += 1;
      let given = true;
      return () => {
        if (given) active -= 1;
        given = false;
      };
    },
  };
}
