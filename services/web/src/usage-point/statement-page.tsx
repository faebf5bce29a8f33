import { useRoute } from "preact-iso";
import { useAnswer } from "../api/use-answer.ts";
import { dateTime, monthName } from "../language/dates.ts";
import { isMessage, t } from "../language/language.ts";
import { Icon } from "../look/icon.tsx";
import { PrintButton } from "../look/print-button.tsx";
import { WithAnswer } from "../look/states.tsx";
import { reasonName } from "../month-end/reason-name.ts";
import { usePageTitle } from "../shell/page-title.ts";
import { Dossier } from "./dossier.tsx";
import { loadStatement, type Statement, type ToldStatement } from "./load-statement.ts";
import { RegisterStatement } from "./register-statement.tsx";

/** What a usage point used in a month: the readings, the sum that they give, and why. */
export function StatementPage() {
  const { usagePointId: encoded = "", period = "" } = useRoute().params;
  const usagePointId = decodeURIComponent(encoded);
  usePageTitle(`${usagePointId} · ${monthName(period)}`);
  const answer = useAnswer(`${usagePointId}/${period}`, (signal) => loadStatement(usagePointId, period, signal));
  return (
    <>
      <p class="kicker">
        <a href={`/usage-points/${encoded}`}>
          <Icon name="left" /> {usagePointId}
        </a>
      </p>
      <div class="title-row">
        <h1>{monthName(period)}</h1>
        <PrintButton />
      </div>
      <WithAnswer answer={answer} height={420}>
        {(told) => (told.statement.period === period ? <Told told={told} /> : null)}
      </WithAnswer>
    </>
  );
}

function Told({ told }: { told: ToldStatement }) {
  const { statement, zone } = told;
  return (
    <>
      <ul class="facts">
        <li>
          <span class={`badge badge-${statement.lifecycle}`}>{t(`lifecycle.${statement.lifecycle}`)}</span>
        </li>
        <li>{t("statement.span", { from: dateTime(statement.from, zone), to: dateTime(statement.to, zone), zone })}</li>
      </ul>
      {statement.void ? <p class="notice">{t("statement.voidAbout")}</p> : null}
      <Waits statement={statement} zone={zone} />
      {statement.registers.map((row) => (
        <RegisterStatement key={row.register} told={told} row={row} />
      ))}
      <Dossier told={told} />
      <Revisions told={told} />
      <p class="soft hash">
        {t("statement.hash")} <code>{statement.hash}</code>
      </p>
    </>
  );
}

/** What would make it whole. */
function Waits({ statement: { waitsFor }, zone }: { statement: Statement; zone: string }) {
  if (waitsFor.length === 0) return null;
  return (
    <div class="notice">
      <Icon name="alert" />
      <div>
        <strong>{t("statement.waits")}</strong>
        <ul>
          {waitsFor.map(({ reason, register, meterId, from, to, detail }) => {
            const known = `wait.${reason}`;
            const values = {
              register: register ?? "",
              meterId: meterId ?? "",
              from: dateTime(from, zone),
              to: dateTime(to, zone),
            };
            return <li key={detail}>{isMessage(known) ? t(known, values) : detail}</li>;
          })}
        </ul>
      </div>
    </div>
  );
}

/** Every revision of every meter of the month, the newest first; each leads to what it said. */
function Revisions({ told: { revisions, statement, zone } }: { told: ToldStatement }) {
  const standing = new Set(statement.snapshots.map(({ id }) => id));
  const newestFirst = [...revisions].sort((a, b) => Date.parse(b.issuedAt) - Date.parse(a.issuedAt));
  return (
    <section class="panel" aria-labelledby="revisions">
      <div class="panel-head">
        <h2 id="revisions">{t("reading.revisions")}</h2>
        <p class="soft">{t("reading.revisionsAbout")}</p>
      </div>
      <ol class="timeline">
        {newestFirst.map(({ id, meterId, period, revision, lifecycle, issuedAt, reason }) => (
          <li key={id}>
            <a href={`/meters/${encodeURIComponent(meterId)}/months/${period}?revision=${revision}`}>
              {meterId}, {t("monthEnds.revision", { revision })}
            </a>
            <span>{t(`lifecycle.${lifecycle}`)}</span>
            <span class="soft">{dateTime(issuedAt, zone)}</span>
            <span class="soft">{reasonName(reason)}</span>
            <span class="soft">{standing.has(id) ? t("statement.stands") : t("statement.before")}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
