import { useEffect, useState } from "preact/hooks";
import { api, ask, CallProblem, type Schemas } from "../api/client.ts";
import { t } from "../language/language.ts";
import { count } from "../language/numbers.ts";
import { Icon } from "../look/icon.tsx";
import { ProblemNotice } from "../look/problem-notice.tsx";
import { may } from "../session/session.ts";

type Job = Schemas["Job"];

const askEveryMs = 700;

/** Recomputes what waits and issues it, without waiting for the settle time: a job, followed to its end. */
export function CloseMonth({ period, done }: { period: string; done: () => void }) {
  const [job, setJob] = useState<Job>();
  const [problem, setProblem] = useState<CallProblem>();
  const isRunning = job?.state === "queued" || job?.state === "running";
  const fail = (error: unknown) =>
    setProblem(error instanceof CallProblem ? error : new CallProblem(0, "internal", String(error)));
  const close = () => {
    setProblem(undefined);
    ask(api.POST("/v1/periods/{period}/close", { params: { path: { period } } })).then(setJob, fail);
  };
  useEffect(() => {
    if (job === undefined || !isRunning) return undefined;
    const timer = setTimeout(() => {
      ask(api.GET("/v1/jobs/{id}", { params: { path: { id: job.id } } })).then((next) => {
        setJob(next);
        if (next.state === "done") done();
      }, fail);
    }, askEveryMs);
    return () => clearTimeout(timer);
  }, [job]);
  return (
    <section class="panel close" aria-labelledby="close">
      <div class="panel-head">
        <div>
          <h2 id="close">{t("close.title")}</h2>
          <p class="soft">{t("close.about")}</p>
        </div>
        <button type="button" class="button button-main" disabled={isRunning || !may("operator")} onClick={close}>
          {t("close.button")}
        </button>
      </div>
      {may("operator") ? null : (
        <p class="soft">
          <Icon name="key" /> {t("close.operatorsOnly")}
        </p>
      )}
      {problem === undefined ? null : <ProblemNotice problem={problem} again={close} />}
      {job === undefined ? null : <Progress job={job} />}
    </section>
  );
}

function Progress({ job }: { job: Job }) {
  const { state, done, total, result, problem } = job;
  if (state === "failed") return <ProblemNotice problem={new CallProblem(0, "internal", problem ?? "")} />;
  if (state !== "done" || result === null)
    return (
      <div role="status">
        <progress max={Math.max(1, total)} value={done} aria-label={t("close.title")} />
        <p class="soft">{t("close.running", { done, total })}</p>
      </div>
    );
  return (
    <p class="clear" role="status">
      <Icon name="check" />
      {t("close.done", { count: result.issued, shown: count(result.issued), before: count(result.beside) })}
      {result.heldBack > 0 ? ` ${t("close.heldBack", { count: result.heldBack, shown: count(result.heldBack) })}` : ""}
    </p>
  );
}
