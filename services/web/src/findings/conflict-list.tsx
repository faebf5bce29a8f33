import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { dateTime } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount } from "../language/numbers.ts";
import { DownloadLinks } from "../look/download-links.tsx";
import { Icon } from "../look/icon.tsx";
import { RegisterCell } from "../look/register-cell.tsx";
import { WithAnswer } from "../look/states.tsx";
import { Wide } from "../look/wide.tsx";
import { placeOfReading } from "./place-of-reading.ts";

type Conflict = Schemas["Conflict"];

const perPage = 20;
/** Of the API. What is beyond is in the download. */
const pageMax = 1000;
const hereZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What came twice for one instant and differed: of the readings of a month, or of all. */
export function ConflictList({ period }: { period: string }) {
  const [pages, setPages] = useState(1);
  const answer = useAnswer(`conflicts ${period} ${pages}`, async (signal) => {
    const range = period === "" ? {} : await rangeOf(period, signal);
    const query = { ...range, limit: perPage * pages };
    return { range, found: await ask(api.GET("/v1/conflicts", { params: { query }, signal })) };
  });
  return (
    <section class="panel" aria-labelledby="conflicts">
      <div class="panel-head">
        <div>
          <h2 id="conflicts">{t("conflicts.title")}</h2>
          <p class="soft">{t("conflicts.about")}</p>
        </div>
      </div>
      <WithAnswer answer={answer} height={120}>
        {({ range, found: { items, nextCursor } }) =>
          items.length === 0 ? (
            <p class="clear">
              <Icon name="check" /> {t("conflicts.none")}
            </p>
          ) : (
            <div aria-busy={answer.isLoading}>
              <ConflictTable items={items} />
              <div class="row list-end">
                {nextCursor === undefined || perPage * (pages + 1) > pageMax ? null : (
                  <button type="button" class="button" onClick={() => setPages(pages + 1)}>
                    {t("findings.more")}
                  </button>
                )}
                <DownloadLinks call={`/v1/conflicts?${new URLSearchParams(range)}`} />
              </div>
            </div>
          )
        }
      </WithAnswer>
    </section>
  );
}

/** The month's end is a reading's instant, too. */
async function rangeOf(period: string, signal: AbortSignal): Promise<{ from?: string; to?: string }> {
  const { items } = await ask(api.GET("/v1/periods", { signal }));
  const found = items.find((one) => one.period === period);
  if (found === undefined) return {};
  return { from: found.start, to: new Date(Date.parse(found.boundary) + 1000).toISOString() };
}

function ConflictTable({ items }: { items: readonly Conflict[] }) {
  return (
    <Wide label={t("conflicts.title")}>
      <table class="table stack">
        <thead>
          <tr>
            <th scope="col">{t("meter.kicker")}</th>
            <th scope="col">{t("table.register")}</th>
            <th scope="col">
              {t("findings.at")} <small>({hereZone})</small>
            </th>
            <th scope="col" class="number">
              {t("conflicts.kept")}
            </th>
            <th scope="col" class="number">
              {t("conflicts.refused")}
            </th>
            <th scope="col">{t("conflicts.came")}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((one) => (
            <ConflictRow key={`${one.meterId} ${one.id}`} conflict={one} />
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function ConflictRow({ conflict }: { conflict: Conflict }) {
  const { meterId, register, at, unit, kept, refused, receivedAt } = conflict;
  return (
    <tr>
      <th scope="row">
        <a href={placeOfReading(meterId, register, at)}>{meterId}</a>
      </th>
      <td data-label={t("table.register")}>
        <RegisterCell register={register} />
      </td>
      <td data-label={t("findings.at")}>{dateTime(at, hereZone)}</td>
      <td class="number" data-label={t("conflicts.kept")}>
        <strong>{amount(kept.value, unit)}</strong> <small>{t(`quality.${kept.quality}`)}</small>
      </td>
      <td class="number" data-label={t("conflicts.refused")}>
        {amount(refused.value, unit)} <small>{t(`quality.${refused.quality}`)}</small>
      </td>
      <td class="soft" data-label={t("conflicts.came")}>
        {dateTime(receivedAt, hereZone)}
      </td>
    </tr>
  );
}
