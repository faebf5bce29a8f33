import { useState } from "preact/hooks";
import { useAnswer } from "../api/use-answer.ts";
import { dateTime } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount } from "../language/numbers.ts";
import { ProblemNotice } from "../look/problem-notice.tsx";
import { Wide } from "../look/wide.tsx";
import { may } from "../session/session.ts";
import { Rule } from "./found-by-rules.tsx";
import { type Doubt, type DoubtRange, isJudged, loadDoubts, type Reading } from "./load-doubts.ts";
import { ruleAbout } from "./rules.ts";
import { type Verdict, VerdictForm } from "./verdict-form.tsx";

interface DoubtedReadingsProps {
  readonly range: DoubtRange;
  readonly zone: string;
}

/** Readings of the range of which somebody may have to decide. Nothing is shown where there are none. */
export function DoubtedReadings({ range, zone }: DoubtedReadingsProps) {
  const { meterId, register, from, to } = range;
  const [said, setSaid] = useState<Verdict>();
  const answer = useAnswer(`${meterId} ${register} ${from} ${to}`, (signal) => loadDoubts(range, signal));
  const { data, problem } = answer;
  const isThere = data !== undefined && data.doubts.length > 0;
  if (problem === undefined && !isThere && said === undefined) return null;
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
      {isThere ? (
        <DoubtTable
          doubts={data.doubts}
          zone={zone}
          judged={(verdict) => {
            setSaid(verdict);
            answer.again();
          }}
        />
      ) : null}
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
  readonly judged: (verdict: Verdict) => void;
}

function DoubtTable({ doubts, zone, judged }: DoubtTableProps) {
  return (
    <Wide label={t("doubts.title")}>
      <table class="table">
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
              <td class="number">{amount(reading.value, reading.unit)}</td>
              <td>
                <Why reading={reading} rules={rules} />
              </td>
              {may("operator") ? (
                <td>
                  <VerdictForm reading={reading} judged={judged} />
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
