/** What is wrong with a process now; `/readyz` tells it. */
export interface StandingProblems {
  /** Until it is cleared; raised again it says the newest detail. */
  raise(name: string, detail: string): void;
  clear(name: string): void;
  /** One line each, in the order in which they arose; none = ready. */
  current(): readonly string[];
}

export function standingProblems(): StandingProblems {
  const raised = new Map<string, string>();
  return {
    raise: (name, detail) => void raised.set(name, detail),
    clear: (name) => void raised.delete(name),
    current: () => [...raised.values()],
  };
}
