import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import type { MeterView } from "../curves/view-state.ts";
import { day } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount, count, signedAmount, signlessPercent } from "../language/numbers.ts";
import { Figure } from "../look/figure.tsx";
import { Empty, WithAnswer } from "../look/states.tsx";
import { Wide } from "../look/wide.tsx";
import { isoOf } from "../time/iso.ts";
import { LossBars } from "./loss-bars.tsx";

type Balance = Schemas["Balance"];

interface FeederBalanceProps {
  readonly groupId: string;
  readonly zone: string;
  readonly view: Pick<MeterView, "from" | "to">;
}

/** What goes into the feeder against what comes out below, day by day over the range that is shown. */
export function FeederBalance({ groupId, zone, view: { from, to } }: FeederBalanceProps) {
  const query = { from: isoOf(from), to: isoOf(to), resolution: "P1D" as const };
  const answer = useAnswer(`${groupId} ${from} ${to}`, (signal) =>
    ask(api.GET("/v1/groups/{groupId}/balance", { params: { path: { groupId }, query }, signal })),
  );
  return (
    <section class="panel" aria-labelledby="balance">
      <div class="panel-head">
        <div>
          <h2 id="balance">{t("balance.title")}</h2>
          <p class="soft">{t("balance.about")}</p>
        </div>
      </div>
      <WithAnswer answer={answer} height={260}>
        {(balance) =>
          balance.measuredBy.length === 0 ? (
            <Empty title={t("balance.none")}>{t("balance.noneAbout")}</Empty>
          ) : (
            <Shown balance={balance} zone={zone} />
          )
        }
      </WithAnswer>
    </section>
  );
}

function Shown({ balance, zone }: { balance: Balance; zone: string }) {
  const { total, items, unit, measuredBy } = balance;
  const share = total.supplied === 0 ? 0 : total.losses / total.supplied;
  return (
    <>
      <dl class="figures figures-small">
        <Figure name={t("balance.supplied")} value={amount(total.supplied, unit)} note={measuredBy.join(", ")} />
        <Figure name={t("balance.delivered")} value={amount(total.delivered, unit)} note="" />
        <Figure
          name={t("balance.losses")}
          value={signedAmount(total.losses, unit)}
          note={t("balance.share", { share: `${sign(share)}${signlessPercent(Math.abs(share))}` })}
        />
        <Figure
          name={t("balance.band")}
          value={
            total.known === 0
              ? "–"
              : total.low === total.high
                ? t("balance.exact")
                : `${signedAmount(total.low, unit)} … ${signedAmount(total.high, unit)}`
          }
          note={t("balance.known", { known: count(total.known), steps: count(total.steps) })}
        />
      </dl>
      <LossBars items={items} zone={zone} />
      <details>
        <summary>{t("balance.table")}</summary>
        <Wide label={t("balance.table")}>
          <table class="table stack">
            <thead>
              <tr>
                <th scope="col">{t("balance.day")}</th>
                {(["supplied", "delivered", "losses", "band"] as const).map((name) => (
                  <th key={name} scope="col" class="number">
                    {t(`balance.${name}`)}
                  </th>
                ))}
                <th scope="col" class="number">
                  {t("groups.meters")}
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((point) => (
                <tr key={point.from}>
                  <th scope="row">{day(point.from, zone)}</th>
                  <td class="number" data-label={t("balance.supplied")}>
                    {signedAmount(point.supplied, unit)}
                  </td>
                  <td class="number" data-label={t("balance.delivered")}>
                    {signedAmount(point.delivered, unit)}
                  </td>
                  <td class="number" data-label={t("balance.losses")}>
                    <strong>{signedAmount(point.losses, unit)}</strong>
                  </td>
                  <td class="number" data-label={t("balance.band")}>
                    {point.low === null
                      ? "–"
                      : point.low === point.high
                        ? t("balance.exact")
                        : `${signedAmount(point.low, unit)} … ${signedAmount(point.high, unit)}`}
                  </td>
                  <td class="number" data-label={t("groups.meters")}>
                    {count(point.present)} / {count(point.expected)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      </details>
    </>
  );
}

function sign(value: number): string {
  return value < 0 ? "−" : "";
}
