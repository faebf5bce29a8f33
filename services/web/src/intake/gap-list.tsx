import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { dateTime } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { count } from "../language/numbers.ts";
import { Icon } from "../look/icon.tsx";
import { RegisterCell } from "../look/register-cell.tsx";
import { WithAnswer } from "../look/states.tsx";
import { Wide } from "../look/wide.tsx";

type Gap = Schemas["FleetGap"];

const gapsMax = 100;
const everyMs = 30_000;
const hereZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What meters still owe: of a month, or of the oldest one that is not final. */
export function GapList({ period }: { period?: string }) {
  const asked = { limit: gapsMax, ...(period === undefined ? {} : { period }) };
  const answer = useAnswer(
    `gaps ${period ?? ""}`,
    (signal) => ask(api.GET("/v1/gaps", { params: { query: asked }, signal })),
    { everyMs },
  );
  const all = `/v1/gaps?format=csv${period === undefined ? "" : `&period=${period}`}`;
  return (
    <section class="panel" aria-labelledby="gaps">
      <div class="panel-head">
        <div>
          <h2 id="gaps">{t("gaps.title")}</h2>
          <p class="soft">{t("gaps.about")}</p>
        </div>
        <a class="button button-quiet" href={all} download>
          <Icon name="download" /> CSV
        </a>
      </div>
      <WithAnswer answer={answer} height={80}>
        {({ items, nextCursor }) =>
          items.length === 0 ? (
            <p class="clear">
              <Icon name="check" /> {t("gaps.none")}
            </p>
          ) : (
            <>
              <GapTable gaps={items} />
              {nextCursor === undefined ? null : <p class="soft">{t("gaps.more", { shown: count(items.length) })}</p>}
            </>
          )
        }
      </WithAnswer>
    </section>
  );
}

function GapTable({ gaps }: { gaps: readonly Gap[] }) {
  return (
    <Wide label={t("gaps.title")}>
      <table class="table stack">
        <thead>
          <tr>
            <th scope="col">{t("rejected.meter")}</th>
            <th scope="col">{t("table.register")}</th>
            <th scope="col">
              {t("table.from")} <small>({hereZone})</small>
            </th>
            <th scope="col">{t("table.to")}</th>
            <th scope="col" class="number">
              {t("gaps.missing")}
            </th>
            <th scope="col">{t("gaps.asked")}</th>
          </tr>
        </thead>
        <tbody>
          {gaps.map((gap) => (
            <GapRow key={`${gap.meterId} ${gap.register} ${gap.kind} ${gap.from}`} gap={gap} />
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

const marginMs = 12 * 3_600_000;

function GapRow({ gap: { meterId, register, from, to, missing, goesOn, atClose, asked } }: { gap: Gap }) {
  const edge = (instant: string, by: number) => `${new Date(Date.parse(instant) + by).toISOString().slice(0, 16)}Z`;
  const range = `register=${register}&from=${edge(from, -marginMs)}&to=${edge(to, marginMs)}`;
  return (
    <tr>
      <th scope="row">
        <a href={`/meters/${encodeURIComponent(meterId)}?${range}`}>{meterId}</a>
        {atClose ? <small>{t("gaps.atClose")}</small> : null}
      </th>
      <td data-label={t("table.register")}>
        <RegisterCell register={register} />
      </td>
      <td data-label={t("table.from")}>{dateTime(from, hereZone)}</td>
      <td data-label={t("table.to")}>
        {goesOn ? <span class="badge badge-open">{t("gaps.goesOn")}</span> : dateTime(to, hereZone)}
      </td>
      <td class="number" data-label={t("gaps.missing")}>
        {count(missing)}
      </td>
      <td class="soft" data-label={t("gaps.asked")}>
        {asked === null
          ? t("gaps.notAsked")
          : t("gaps.askedTimes", { count: asked.times, at: dateTime(asked.at, hereZone) })}
      </td>
    </tr>
  );
}
