import { useAnswer } from "../api/use-answer.ts";
import { dateTime } from "../language/dates.ts";
import { isMessage, t } from "../language/language.ts";
import { amount } from "../language/numbers.ts";
import { Icon } from "../look/icon.tsx";
import { Empty, WithAnswer } from "../look/states.tsx";
import { Wide } from "../look/wide.tsx";
import { originName } from "../month-end/why.ts";
import { may } from "../session/session.ts";
import { type DossierEntry, loadDossier } from "./load-dossier.ts";
import type { ToldStatement } from "./load-statement.ts";

/** Every reading near the month's end on one list, with which of them the value is made of. */
export function Dossier({ told }: { told: ToldStatement }) {
  return (
    <section class="panel" aria-labelledby="dossier">
      <div class="panel-head">
        <div>
          <h2 id="dossier">{t("dossier.title")}</h2>
          <p class="soft">{t("dossier.about")}</p>
        </div>
      </div>
      {may("analyst", "operator") ? (
        <Loaded told={told} />
      ) : (
        <p class="notice">
          <Icon name="key" /> {t("dossier.noRights")}
        </p>
      )}
    </section>
  );
}

function Loaded({ told }: { told: ToldStatement }) {
  const answer = useAnswer(told.statement.hash, (signal) => loadDossier(told, signal));
  return (
    <WithAnswer answer={answer} height={200}>
      {({ entries, isCut }) => (
        <>
          {entries.length === 0 ? (
            <Empty title={t("dossier.none")}>{t("dossier.noneAbout")}</Empty>
          ) : (
            <Entries entries={entries} zone={told.zone} />
          )}
          {isCut ? <p class="soft">{t("dossier.cut")}</p> : null}
        </>
      )}
    </WithAnswer>
  );
}

function Entries({ entries, zone }: { entries: readonly DossierEntry[]; zone: string }) {
  return (
    <Wide label={t("dossier.title")}>
      <table class="table stack">
        <thead>
          <tr>
            <th scope="col">{t("table.register")}</th>
            <th scope="col">{t("statement.at")}</th>
            <th scope="col" class="number">
              {t("statement.value")}
            </th>
            <th scope="col">{t("dossier.from")}</th>
            <th scope="col">{t("table.quality")}</th>
            <th scope="col">{t("dossier.part")}</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr key={`${entry.meterId} ${entry.register} ${entry.at} ${entry.value} ${entry.part}`}>
              <th scope="row">
                {entry.register}
                <small>{entry.meterId}</small>
              </th>
              <td data-label={t("statement.at")}>{dateTime(entry.at, zone)}</td>
              <td class="number" data-label={t("statement.value")}>
                {amount(entry.value, entry.unit)}
              </td>
              <td data-label={t("dossier.from")}>{originName(entry.origin)}</td>
              <td data-label={t("table.quality")}>
                <i class={`mark mark-${entry.quality}`} /> {qualityName(entry.quality)}
              </td>
              <td data-label={t("dossier.part")}>
                <Part part={entry.part} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function qualityName(quality: string): string {
  const known = `quality.${quality}`;
  return isMessage(known) ? t(known) : quality;
}

function Part({ part }: Pick<DossierEntry, "part">) {
  if (part === "counts") return <strong>{t("dossier.counts")}</strong>;
  return <span class="soft">{t(`dossier.${part}`)}</span>;
}
