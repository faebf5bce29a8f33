import { useEffect, useRef, useState } from "preact/hooks";
import { CallProblem, isAbort } from "./client.ts";

/** What is known of an answer: while another is loaded, the one before stays to be seen. */
export interface Answer<Data> {
  readonly isLoading: boolean;
  readonly data: Data | undefined;
  readonly problem: CallProblem | undefined;
  readonly again: () => void;
}

interface Options {
  /** Asks again so often, while the page is seen. */
  readonly everyMs?: number;
}

/**
 * The answer of `load`, which is asked again when `key` changes. An undefined key asks nothing.
 */
export function useAnswer<Data>(
  key: string | undefined,
  load: (signal: AbortSignal) => Promise<Data>,
  { everyMs }: Options = {},
): Answer<Data> {
  const [known, setKnown] = useState<Omit<Answer<Data>, "again">>(waiting);
  const [turn, setTurn] = useState(0);
  const newest = useRef(load);
  newest.current = load;
  useEffect(() => {
    if (key === undefined) return undefined;
    const gone = new AbortController();
    setKnown((before) => ({ ...before, isLoading: true }));
    newest.current(gone.signal).then(
      (data) => gone.signal.aborted || setKnown({ isLoading: false, data, problem: undefined }),
      (error: unknown) => {
        if (gone.signal.aborted || isAbort(error)) return;
        setKnown(({ data }) => ({ isLoading: false, data, problem: problemOf(error) }));
      },
    );
    return () => gone.abort();
  }, [key, turn]);
  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => document.hidden || setTurn((before) => before + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return { ...known, again: () => setTurn((before) => before + 1) };
}

function waiting(): Omit<Answer<never>, "again"> {
  return { isLoading: true, data: undefined, problem: undefined };
}

function problemOf(error: unknown): CallProblem {
  if (error instanceof CallProblem) return error;
  return new CallProblem(0, "internal", error instanceof Error ? error.message : String(error));
}
