import { useEffect, useRef, useState } from "preact/hooks";
import { api, ask, CallProblem } from "../api/client.ts";
import { t } from "../language/language.ts";
import { Icon } from "../look/icon.tsx";
import { ProblemNotice } from "../look/problem-notice.tsx";
import type { Reading } from "./load-doubts.ts";

export type Verdict = "accept" | "reject";

interface VerdictFormProps {
  readonly reading: Pick<Reading, "id" | "origin" | "quality">;
  readonly judged: (verdict: Verdict) => void;
}

const reasonMax = 200;

/** Two buttons; who takes one of them says why. What stands already is not offered again. */
export function VerdictForm({ reading, judged }: VerdictFormProps) {
  const [verdict, setVerdict] = useState<Verdict>();
  if (verdict !== undefined)
    return (
      <ReasonForm
        id={reading.id}
        verdict={verdict}
        cancel={() => setVerdict(undefined)}
        done={() => {
          setVerdict(undefined);
          judged(verdict);
        }}
      />
    );
  const standing = reading.origin !== "operator" ? undefined : reading.quality === "suspect" ? "reject" : "accept";
  return (
    <div class="row verdict">
      {(["accept", "reject"] as const)
        .filter((one) => one !== standing)
        .map((one) => (
          <button key={one} type="button" class="button" onClick={() => setVerdict(one)}>
            <Icon name={one === "accept" ? "check" : "close"} /> {t(`doubts.${one}`)}
          </button>
        ))}
    </div>
  );
}

interface ReasonFormProps {
  readonly id: string;
  readonly verdict: Verdict;
  readonly cancel: () => void;
  readonly done: () => void;
}

function ReasonForm({ id, verdict, cancel, done }: ReasonFormProps) {
  const field = useRef<HTMLInputElement>(null);
  const [reason, setReason] = useState("");
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<CallProblem>();
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    setSending(true);
    try {
      const body = { verdict, reason: reason.trim() };
      await ask(api.POST("/v1/readings/{id}/verdict", { params: { path: { id } }, body }));
      done();
    } catch (error) {
      setSending(false);
      setProblem(error instanceof CallProblem ? error : new CallProblem(0, "internal", String(error)));
    }
  };
  return (
    <form
      class="reason-form"
      onSubmit={(event) => void submit(event)}
      onKeyDown={(event) => event.key === "Escape" && cancel()}
    >
      <label class="field">
        <span>{t("doubts.reason")}</span>
        <input
          ref={field}
          type="text"
          required
          maxLength={reasonMax}
          placeholder={t("doubts.reasonHint")}
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
      <div class="row">
        <button type="submit" class="button button-main" disabled={isSending || reason.trim() === ""}>
          {t(`doubts.${verdict}`)}
        </button>
        <button type="button" class="button button-quiet" onClick={cancel}>
          {t("doubts.cancel")}
        </button>
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} />}
    </form>
  );
}
