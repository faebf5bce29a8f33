import { useAnswer } from "../api/use-answer.ts";
import { lazyPart } from "../look/lazy-part.tsx";
import { ProblemNotice } from "../look/problem-notice.tsx";
import { type DoubtRange, loadDoubts } from "./load-doubts.ts";

interface DoubtedReadingsProps {
  readonly range: DoubtRange;
  readonly zone: string;
}

const DoubtPanel = lazyPart("doubts", async () => (await import("./doubt-panel.tsx")).DoubtPanel, 200);

/** Most ranges have none: then nothing is shown, and nothing more is loaded. */
export function DoubtedReadings({ range, zone }: DoubtedReadingsProps) {
  const { meterId, register, from, to } = range;
  const key = `${meterId} ${register} ${from} ${to}`;
  const answer = useAnswer(key, (signal) => loadDoubts(range, signal));
  const { data, problem } = answer;
  if (data === undefined)
    return problem === undefined ? null : <ProblemNotice problem={problem} again={answer.again} />;
  // What was said of a verdict belongs to the range that it was given in.
  return data.doubts.length > 0 || data.isCut ? <DoubtPanel key={key} answer={answer} zone={zone} /> : null;
}
