import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { t } from "../language/language.ts";
import { count } from "../language/numbers.ts";
import { Icon } from "../look/icon.tsx";
import { WithAnswer } from "../look/states.tsx";

const everyMs = 3000;

/** Where every reading is, as it is now. */
export function IntakeFigures() {
  const answer = useAnswer("status", (signal) => ask(api.GET("/v1/status", { signal })), { everyMs });
  return (
    <WithAnswer answer={answer} height={120}>
      {(status) => <Figures status={status} />}
    </WithAnswer>
  );
}

function Figures({ status }: { status: Schemas["Status"] }) {
  const { received, stored, duplicates, conflicts, rejected, inFlight, lagSeconds, snapshotsPending, settled, lost } =
    status;
  return (
    <>
      <p class={settled ? "clear" : "busy"} role="status">
        {settled ? <Icon name="check" /> : <Icon name="retry" />}
        {settled
          ? t("intake.settled")
          : t("intake.busy", {
              inFlight: count(inFlight),
              pending: count(snapshotsPending),
              lag: Math.round(lagSeconds),
            })}
      </p>
      <dl class="figures figures-small">
        <Figure name={t("intake.received")} value={received} />
        <Figure name={t("intake.stored")} value={stored} />
        <Figure name={t("intake.duplicates")} value={duplicates} />
        <Figure name={t("intake.conflicts")} value={conflicts} />
        <Figure name={t("intake.rejected")} value={rejected} tone={rejected > 0 ? "warn" : ""} />
        <Figure name={t("intake.lost")} value={lost.count} tone={lost.count > 0 ? "bad" : ""} />
      </dl>
    </>
  );
}

function Figure({ name, value, tone = "" }: { name: string; value: number; tone?: string }) {
  return (
    <div class={`figure ${tone === "" ? "" : `figure-${tone}`}`}>
      <dt>{name}</dt>
      <dd>{count(value)}</dd>
    </div>
  );
}
