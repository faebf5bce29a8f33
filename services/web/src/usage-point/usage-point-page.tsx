import { useEffect } from "preact/hooks";
import { useRoute } from "preact-iso";
import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { day } from "../language/dates.ts";
import { isMessage, t } from "../language/language.ts";
import { Empty, WithAnswer } from "../look/states.tsx";
import { remember } from "../search/search-state.ts";
import { usePageTitle } from "../shell/page-title.ts";
import { loadMonths, orNothing } from "./load-statement.ts";
import { MonthList } from "./month-list.tsx";

type Point = Schemas["UsagePoint"];

/** Two years and a month: each month beside the same one a year before. */
const monthsMax = 25;

/** A place of supply for whoever answers its customer: its meters, and what each month came to. */
export function UsagePointPage() {
  const { usagePointId: encoded = "" } = useRoute().params;
  const usagePointId = decodeURIComponent(encoded);
  usePageTitle(usagePointId);
  const answer = useAnswer(usagePointId, async (signal) => {
    const path = { usagePointId };
    const [point, months] = await Promise.all([
      ask(api.GET("/v1/usage-points/{usagePointId}", { params: { path, query: {} }, signal })).catch(orNothing),
      loadMonths(usagePointId, monthsMax, signal),
    ]);
    return { point: point as Point | undefined, months };
  });
  return (
    <>
      <p class="kicker">{t("point.kicker")}</p>
      <h1 class="mono-title">{usagePointId}</h1>
      <WithAnswer answer={answer} height={420}>
        {({ point, months }) =>
          point === undefined && months.length === 0 ? (
            <Empty title={t("point.unknown")}>{t("point.unknownAbout")}</Empty>
          ) : (
            <Known usagePointId={usagePointId} point={point} months={months} />
          )
        }
      </WithAnswer>
    </>
  );
}

interface KnownProps {
  readonly usagePointId: string;
  readonly point: Point | undefined;
  readonly months: Awaited<ReturnType<typeof loadMonths>>;
}

function Known({ usagePointId, point, months }: KnownProps) {
  const meterIds = [
    ...new Set(months.flatMap(({ snapshots }) => snapshots.map(({ id }) => id.split("/")[0] as string))),
  ];
  const newest = point?.meters.at(-1)?.meterId ?? meterIds[0];
  useEffect(() => {
    if (newest !== undefined) remember({ meterId: newest, usagePointId, place: "usage-point" });
  }, [usagePointId, newest]);
  return (
    <>
      {point === undefined ? null : <Facts point={point} />}
      <Meters point={point} meterIds={meterIds} />
      <section class="panel" aria-labelledby="months-of-point">
        <div class="panel-head">
          <h2 id="months-of-point">{t("point.months")}</h2>
          <p class="soft">{t("point.monthsAbout")}</p>
        </div>
        {months.length === 0 ? (
          <Empty title={t("monthEnds.none")}>{t("monthEnds.noneAbout")}</Empty>
        ) : (
          <MonthList usagePointId={usagePointId} months={months} />
        )}
      </section>
    </>
  );
}

function Facts({ point: { zone, connectionPowerW, feeder, supplier, status } }: { point: Point }) {
  const now = <Value,>(dated: readonly { value: Value }[] | undefined) => dated?.at(-1)?.value;
  const [power, state] = [now(connectionPowerW), now(status)];
  const facts = [
    now(zone),
    power === undefined ? undefined : t("meter.power", { power: power / 1000 }),
    feeder === undefined ? undefined : t("point.feeder", { id: now(feeder) ?? "" }),
    supplier === undefined ? undefined : t("point.supplier", { id: now(supplier) ?? "" }),
    state === undefined ? undefined : statusName(state),
  ];
  return <ul class="facts">{facts.map((fact) => (fact === undefined ? null : <li key={fact}>{fact}</li>))}</ul>;
}

function statusName(status: string): string {
  const known = `point.status.${status}`;
  return isMessage(known) ? t(known) : status;
}

function Meters({ point, meterIds }: { point: Point | undefined; meterIds: readonly string[] }) {
  const zone = point?.zone?.at(-1)?.value ?? "UTC";
  const installed = point?.meters ?? [];
  const known =
    installed.length > 0
      ? installed
      : meterIds.map((meterId) => ({ meterId, installed: undefined, removed: undefined }));
  return (
    <section aria-labelledby="meters-of-point">
      <h2 id="meters-of-point" class="unseen">
        {t("point.meters")}
      </h2>
      <ul class="chips">
        {known.map(({ meterId, installed: since, removed: until }) => (
          <li key={`${meterId} ${since?.at ?? ""}`}>
            <a class="chip" href={`/meters/${encodeURIComponent(meterId)}`}>
              {meterId}
              {since === undefined ? null : (
                <small class="soft">{t("point.since", { day: day(since.at, zone) })}</small>
              )}
              {until === undefined ? null : (
                <small class="soft">{t("point.until", { day: day(until.at, zone) })}</small>
              )}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
