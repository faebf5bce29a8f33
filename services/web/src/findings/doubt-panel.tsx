import { useEffect, useState } from "preact/hooks";
import type { Answer } from "../api/use-answer.ts";
import { dateTime } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount } from "../language/numbers.ts";
import { ProblemNotice } from "../look/problem-notice.tsx";
import { Wide } from "../look/wide.tsx";
import { may } from "../session/session.ts";
import { Rule } from "./found-by-rules.tsx";
import { type Doubt, isJudged, type LoadedDoubts, type Reading } from "./load-doubts.ts";
import { ruleAbout } from "./rules.ts";
import { type Verdict, VerdictForm } from "./verdict-form.tsx";

interface DoubtPanelProps {
  readonly answer: Answer<LoadedDoubts>;
  readonly zone: string;
}

const lookMs = 500;
const looksMax = 40;

/** Readings of which somebody may have to decide. */
export function DoubtPanel({ answer, zone }: DoubtPanelProps) {
  const [said, setSaid] = useState<Verdict>();
  const [waits, setWaits] = useState<{ readonly id: string; readonly verdict: Verdict; readonly looks: number }>();
  const { data, problem, again } = answer;
  const judged = (id: string, verdict: Verdict) => {
    setSaid(verdict);
    setWaits({ id, verdict, looks: 0 });
  };
  // The verdict is in the log; that the store has it too is seen by the reading.
  useEffect(() => {
    // A look that takes longer than the time between two is waited for: another one would end it.
    if (waits === undefined || answer.isLoading || waits.looks === looksMax) return undefined;
    const reading = data?.doubts.find((one) => one.reading.id === waits.id)?.reading;
    if (reading !== undefined && isJudged(reading) && (reading.quality === "suspect") === (waits.verdict === "reject"))
      return undefined;
    const timer = setTimeout(() => {
      again();
      setWaits({ ...waits, looks: waits.looks + 1 });
    }, lookMs);
    return () => clearTimeout(timer);
  }, [waits, data, answer.isLoading]);
  return (
    <section class="panel doubts" aria-labelledby="doubts">
      <div class="panel-head">
        <div>
          <h2 id="doubts">{t("doubts.title")}</h2>
          <p class="soft">{t("doubts.about")}</p>
        </div>
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} again={answer.again} />}
      <p role="status" class={said === undefined ? "unseen" : "clear"}>
        {said === undefined ? "" : t(said === "accept" ? "doubts.saidAccept" : "doubts.saidReject")}
      </p>
      {data === undefined || data.doubts.length === 0 ? null : (
        <DoubtTable doubts={data.doubts} zone={zone} judged={judged} />
      )}
      {may("operator") ? null : <p class="soft">{t("doubts.operators")}</p>}
      {data?.isCut === true ? (
        <p class="soft">
          <a href="/findings">{t("doubts.more")}</a>
        </p>
      ) : null}
    </section>
  );
}

interface DoubtTableProps {
  readonly doubts: readonly Doubt[];
  readonly zone: string;
  readonly judged: (id: string, verdict: Verdict) => void;
}

function DoubtTable({ doubts, zone, judged }: DoubtTableProps) {
  return (
    <Wide label={t("doubts.title")}>
      <table class="table stack">
        <thead>
          <tr>
            <th scope="col">{t("statement.at")}</th>
            <th scope="col" class="number">
              {t("doubts.value")}
            </th>
            <th scope="col">{t("doubts.why")}</th>
            {may("operator") ? <th scope="col">{t("doubts.decide")}</th> : null}
          </tr>
        </thead>
        <tbody>
          {doubts.map(({ reading, rules }) => (
            <tr key={reading.id}>
              <th scope="row">{dateTime(reading.at, zone)}</th>
              <td class="number" data-label={t("doubts.value")}>
                {amount(reading.value, reading.unit)}
              </td>
              <td class="stack-wide" data-label={t("doubts.why")}>
                <Why reading={reading} rules={rules} />
              </td>
              {may("operator") ? (
                <td class="stack-wide">
                  <VerdictForm reading={reading} judged={(verdict) => judged(reading.id, verdict)} />
                </td>
              ) : null}
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function Why({ reading, rules }: Doubt) {
  const shown = rules.filter((rule) => rule !== "OPERATOR" || !isJudged(reading));
  return (
    <ul class="found-by-rules">
      {isJudged(reading) ? (
        <li>
          <strong>{stateOf(reading)}</strong>
        </li>
      ) : null}
      {shown.map((rule) => (
        <li key={rule}>
          <Rule rule={rule} /> <span class="soft">{ruleAbout(rule)}</span>
        </li>
      ))}
      {shown.length === 0 && !isJudged(reading) ? (
        <li>
          <strong>{t("doubts.suspect")}</strong> <span class="soft">{t("doubts.suspectAbout")}</span>
        </li>
      ) : null}
    </ul>
  );
}

function stateOf({ quality }: Reading): string {
  return t(quality === "suspect" ? "doubts.rejected" : "doubts.accepted");
}
