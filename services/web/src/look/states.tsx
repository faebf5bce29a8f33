import type { ComponentChildren } from "preact";
import type { Answer } from "../api/use-answer.ts";
import { t } from "../language/language.ts";
import { ProblemNotice } from "./problem-notice.tsx";

/** While an answer is on its way: as tall as what will be there, so that nothing jumps. */
export function Skeleton({ rows = 3, height }: { rows?: number; height?: number }) {
  return (
    <div
      class="skeleton"
      role="status"
      aria-label={t("state.loading")}
      style={height === undefined ? {} : { height: `${height}px` }}
    >
      {height === undefined ? Array.from({ length: rows }, (_, row) => <span key={row} />) : null}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children === undefined ? null : <p>{children}</p>}
    </div>
  );
}

interface WithAnswerProps<Data> {
  readonly answer: Answer<Data>;
  readonly height?: number;
  readonly children: (data: Data) => ComponentChildren;
}

/** What an answer is at the moment: on its way, failed, or there. */
export function WithAnswer<Data>({ answer, height, children }: WithAnswerProps<Data>) {
  const { data, problem, again } = answer;
  if (problem !== undefined && data === undefined) return <ProblemNotice problem={problem} again={again} />;
  if (data === undefined) return <Skeleton {...(height === undefined ? {} : { height })} />;
  return (
    <>
      {problem === undefined ? null : <ProblemNotice problem={problem} again={again} />}
      {children(data)}
    </>
  );
}
