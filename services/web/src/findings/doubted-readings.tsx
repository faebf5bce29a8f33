import { useEffect, useState } from "preact/hooks";
import { useAnswer } from "../api/use-answer.ts";
import { ProblemNotice } from "../look/problem-notice.tsx";
import type { DoubtPanel } from "./doubt-panel.tsx";
import { type DoubtRange, loadDoubts } from "./load-doubts.ts";

interface DoubtedReadingsProps {
  readonly range: DoubtRange;
  readonly zone: string;
}

/** Most ranges have none: then nothing is shown, and nothing more is loaded. */
export function DoubtedReadings({ range, zone }: DoubtedReadingsProps) {
  const { meterId, register, from, to } = range;
  const [loaded, setLoaded] = useState<{ readonly Panel: typeof DoubtPanel }>();
  const answer = useAnswer(`${meterId} ${register} ${from} ${to}`, (signal) => loadDoubts(range, signal));
  const { data, problem } = answer;
  const isThere = data !== undefined && data.doubts.length > 0;
  useEffect(() => {
    if (isThere) void import("./doubt-panel.tsx").then((panel) => setLoaded({ Panel: panel.DoubtPanel }));
  }, [isThere]);
  if (data === undefined)
    return problem === undefined ? null : <ProblemNotice problem={problem} again={answer.again} />;
  return isThere && loaded !== undefined ? <loaded.Panel answer={answer} zone={zone} /> : null;
}
