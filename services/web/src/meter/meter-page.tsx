import { useEffect } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { api, ask } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { type Meter, registerOf, registersOf } from "../curves/load-curves.ts";
import { type MeterView, readView, viewQuery } from "../curves/view-state.ts";
import { DoubtedReadings } from "../findings/doubted-readings.tsx";
import { t } from "../language/language.ts";
import { Empty, WithAnswer } from "../look/states.tsx";
import { remember } from "../search/search-state.ts";
import { may } from "../session/session.ts";
import { usePageTitle } from "../shell/page-title.ts";
import { zoneClock } from "../time/zone-clock.ts";
import { CurvePanel } from "./curve-panel.tsx";
import { MonthEnds } from "./month-ends.tsx";

export function MeterPage() {
  const meterId = decodeURIComponent(useRoute().params["meterId"] ?? "");
  usePageTitle(meterId);
  const meter = useAnswer(meterId, (signal) =>
    ask(api.GET("/v1/meters/{meterId}", { params: { path: { meterId } }, signal })),
  );
  return (
    <>
      <p class="kicker">{t("meter.kicker")}</p>
      <h1 class="mono-title">{meterId}</h1>
      <WithAnswer answer={meter} height={560}>
        {(known) => (known.meterId === meterId ? <KnownMeter key={meterId} meter={known} /> : null)}
      </WithAnswer>
    </>
  );
}

function KnownMeter({ meter }: { meter: Meter }) {
  const { query, path, route } = useLocation();
  const clock = zoneClock(meter.zone);
  const view = readView(query, clock, Date.now() / 1000);
  useEffect(() => remember({ meterId: meter.meterId, usagePointId: meter.usagePointId }), [meter]);
  const show = (change: Partial<MeterView>) => route(`${path}?${viewQuery({ ...view, ...change }, clock)}`);
  return (
    <>
      <MeterFacts meter={meter} />
      {registersOf(meter).length === 0 ? (
        <Empty title={t("meter.silent")}>{t("meter.silentAbout")}</Empty>
      ) : may("analyst", "operator") ? (
        <>
          <CurvePanel meter={meter} view={view} show={show} />
          <DoubtedReadings
            range={{
              meterId: meter.meterId,
              register: registerOf(meter, view) as string,
              from: view.from,
              to: view.to,
            }}
            zone={meter.zone}
          />
        </>
      ) : (
        <Empty title={t("meter.noCurve")}>{t("meter.noCurveAbout")}</Empty>
      )}
      <MonthEnds meter={meter} />
    </>
  );
}

function MeterFacts({ meter }: { meter: Meter }) {
  const { usagePointId, zone, registered, connectionPowerW, registers, serialNumber } = meter;
  const multiplier = registers.find((register) => (register.multiplier ?? 1) > 1)?.multiplier;
  return (
    <ul class="facts">
      <li>
        <a href={`/usage-points/${encodeURIComponent(usagePointId)}`}>{t("meter.usagePoint", { id: usagePointId })}</a>
      </li>
      {serialNumber === undefined ? null : <li>{t("meter.serial", { number: serialNumber })}</li>}
      <li>{zone}</li>
      {connectionPowerW === undefined ? null : <li>{t("meter.power", { power: connectionPowerW / 1000 })}</li>}
      {multiplier === undefined ? null : <li>× {multiplier}</li>}
      {registered ? null : <li title={t("meter.unregisteredAbout")}>{t("search.unregistered")}</li>}
    </ul>
  );
}
