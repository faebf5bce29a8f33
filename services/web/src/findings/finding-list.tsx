import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { dateTime, monthName } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { DownloadLinks } from "../look/download-links.tsx";
import { RegisterCell } from "../look/register-cell.tsx";
import { Empty, WithAnswer } from "../look/states.tsx";
import { Wide } from "../look/wide.tsx";
import { Rule } from "./found-by-rules.tsx";
import { placeOfReading } from "./place-of-reading.ts";
import { ruleAbout } from "./rules.ts";

type Finding = Schemas["Finding"];

interface Asked {
  readonly rule?: Finding["rule"];
  readonly period?: string;
  readonly group?: string;
}

const perPage = 50;
/** A finding does not say the zone of its meter, so the column says which one its times are in. */
const hereZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The newest month first, a page at a time. */
export function FindingList({ asked }: { asked: Asked }) {
  const [pages, setPages] = useState(1);
  const answer = useAnswer(`${JSON.stringify(asked)} ${pages}`, (signal) =>
    ask(api.GET("/v1/findings", { params: { query: { ...asked, limit: perPage * pages } }, signal })),
  );
  if (answer.problem?.code === "group_too_large")
    return <Empty title={t("findings.tooLarge")}>{t("findings.tooLargeAbout")}</Empty>;
  return (
    <WithAnswer answer={answer} height={280}>
      {({ items, nextCursor }) =>
        items.length === 0 ? (
          <Empty title={t("findings.none")}>{t("findings.noneAbout")}</Empty>
        ) : (
          <div aria-busy={answer.isLoading}>
            <FindingTable items={items} />
            <div class="row list-end">
              {nextCursor === undefined || perPage * (pages + 1) > pageMax ? null : (
                <button type="button" class="button" onClick={() => setPages(pages + 1)}>
                  {t("findings.more")}
                </button>
              )}
              <DownloadLinks call={`/v1/findings?${new URLSearchParams({ ...asked })}`} />
            </div>
          </div>
        )
      }
    </WithAnswer>
  );
}

/** Of the API. What is beyond is in the download. */
const pageMax = 1000;

function FindingTable({ items }: { items: readonly Finding[] }) {
  return (
    <Wide label={t("findings.list")}>
      <table class="table stack">
        <thead>
          <tr>
            <th scope="col">{t("findings.rule")}</th>
            <th scope="col">{t("meter.kicker")}</th>
            <th scope="col">{t("findings.month")}</th>
            <th scope="col">{t("table.register")}</th>
            <th scope="col">
              {t("findings.at")} <small>({hereZone})</small>
            </th>
            <th scope="col">{t("table.quality")}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((one, index) => (
            <FindingRow key={`${one.snapshotId} ${index}`} finding={one} />
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function FindingRow({ finding: { rule, at, meterId, register, period, quality } }: { finding: Finding }) {
  return (
    <tr>
      <th scope="row" class="found">
        <Rule rule={rule} />
        <small>{ruleAbout(rule)}</small>
      </th>
      <td data-label={t("meter.kicker")}>
        <a href={placeOfReading(meterId, register, at)}>{meterId}</a>
      </td>
      <td data-label={t("findings.month")}>
        <a href={`/meters/${encodeURIComponent(meterId)}/months/${period}`}>{monthName(period)}</a>
      </td>
      <td data-label={t("table.register")}>
        <RegisterCell register={register} />
      </td>
      <td data-label={t("findings.at")}>{dateTime(at, hereZone)}</td>
      <td data-label={t("table.quality")}>
        <i class={`mark mark-${quality}`} /> {t(`quality.${quality}`)}
      </td>
    </tr>
  );
}
