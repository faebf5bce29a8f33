import { useLocation, useRoute } from "preact-iso";
import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { FoundByRules } from "../findings/found-by-rules.tsx";
import { dateTime, monthName } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount } from "../language/numbers.ts";
import { Icon } from "../look/icon.tsx";
import { PrintButton } from "../look/print-button.tsx";
import { WithAnswer } from "../look/states.tsx";
import { usePageTitle } from "../shell/page-title.ts";
import { Evidence } from "./evidence.tsx";
import { reasonName } from "./reason-name.ts";
import { RegisterHead } from "./register-head.tsx";
import { RowTime } from "./row-time.tsx";
import { methodName, originName, type Row, whyConsumption, whyValue } from "./why.ts";

type Snapshot = Schemas["Snapshot"];
type Meter = Schemas["Meter"];

/** One meter's month: what is billed, why, and every revision of it. */
export function MonthEndPage() {
  const { meterId: encoded = "", period = "" } = useRoute().params;
  const meterId = decodeURIComponent(encoded);
  const path = { meterId, period };
  usePageTitle(`${meterId} · ${monthName(period)}`);
  const answer = useAnswer(`${meterId}/${period}`, async (signal) => {
    const [meter, revisions] = await Promise.all([
      ask(api.GET("/v1/meters/{meterId}", { params: { path: { meterId } }, signal })),
      ask(api.GET("/v1/meters/{meterId}/snapshots/{period}/revisions", { params: { path }, signal })),
    ]);
    return { meter, revisions: revisions.items };
  });
  return (
    <>
      <p class="kicker">
        <a href={`/meters/${encoded}`}>
          <Icon name="left" /> {meterId}
        </a>
      </p>
      <div class="title-row">
        <h1>{monthName(period)}</h1>
        <PrintButton />
      </div>
      <WithAnswer answer={answer} height={420}>
        {({ meter, revisions }) => <Revisions meter={meter} revisions={revisions} />}
      </WithAnswer>
    </>
  );
}

function Revisions({ meter, revisions }: { meter: Meter; revisions: readonly Snapshot[] }) {
  const { zone } = meter;
  const { query, path, route } = useLocation();
  const latest = revisions.at(-1);
  const shown = revisions.find(({ revision }) => String(revision) === query["revision"]) ?? latest;
  if (shown === undefined || latest === undefined) return null;
  return (
    <>
      <ul class="facts">
        <li>
          <span class={`badge badge-${shown.lifecycle}`}>{t(`lifecycle.${shown.lifecycle}`)}</span>
        </li>
        <li>{t("reading.boundary", { at: dateTime(shown.boundary, zone), zone })}</li>
        <li>
          <a href={`/usage-points/${encodeURIComponent(shown.usagePointId)}/months/${shown.period}`}>
            {t("meter.usagePoint", { id: shown.usagePointId })}
          </a>
        </li>
      </ul>
      {shown === latest ? null : <p class="notice">{t("reading.old", { revision: latest.revision })}</p>}
      {shown.registers.map((row) => (
        <RegisterPanel key={`${row.register} ${row.unit} ${row.from}`} row={row} snapshot={shown} meter={meter} />
      ))}
      <section class="panel" aria-labelledby="revisions">
        <div class="panel-head">
          <h2 id="revisions">{t("reading.revisions")}</h2>
          <p class="soft">{t("reading.revisionsAbout")}</p>
        </div>
        <ol class="timeline">
          {revisions.toReversed().map((one) => (
            <li key={one.id}>
              <button
                type="button"
                aria-pressed={one === shown}
                onClick={() => route(one === latest ? path : `${path}?revision=${one.revision}`)}
              >
                <strong>{t("monthEnds.revision", { revision: one.revision })}</strong>
                <span>{t(`lifecycle.${one.lifecycle}`)}</span>
                <span class="soft">{dateTime(one.issuedAt, zone)}</span>
                <span class="soft">{reasonName(one.reason)}</span>
              </button>
              <code title={one.hash}>{one.hash.slice(0, 19)}…</code>
            </li>
          ))}
        </ol>
      </section>
    </>
  );
}

function RegisterPanel({ row, snapshot, meter }: { row: Row; snapshot: Snapshot; meter: Meter }) {
  const { zone, registers } = meter;
  const entry = registers.find(({ register }) => register === row.register);
  const boundary = row.to ?? snapshot.boundary;
  const multiplier =
    entry?.multipliers?.findLast(({ validFrom }) => validFrom < boundary)?.multiplier ?? entry?.multiplier ?? 1;
  const sign = (value: number | null) => (value === null ? "–" : amount(value, row.unit));
  const title = `register-${row.register}-${row.from ?? ""}`;
  return (
    <section class="panel reading" aria-labelledby={title}>
      <RegisterHead id={title} row={row} />
      <RowTime row={row} place={snapshot.usagePointId} zone={zone} />
      <dl class="sum">
        <div>
          <dt>{t("table.opening")}</dt>
          <dd>{sign(row.opening)}</dd>
        </div>
        <div>
          <dt>{t("table.closing")}</dt>
          <dd>{sign(row.value)}</dd>
        </div>
        <div class="sum-total">
          <dt>{t("table.consumption")}</dt>
          <dd>{sign(row.consumption)}</dd>
        </div>
      </dl>
      <h3>{t("reading.why")}</h3>
      <p class="why">
        {whyValue(row, { boundary, reason: snapshot.reason }, zone)} {whyConsumption(row, multiplier)}
      </p>
      <Evidence row={row} boundary={boundary} zone={zone} />
      <FoundByRules findings={row.findings} zone={zone} />
      <p class="soft">
        {t("table.method")}: {methodName(row.method)}
        {row.origin === null ? "" : ` · ${t("reading.origin")}: ${originName(row.origin)}`}
      </p>
    </section>
  );
}
