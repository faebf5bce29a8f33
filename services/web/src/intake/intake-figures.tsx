import { useRef } from "preact/hooks";
import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { t } from "../language/language.ts";
import { count, rate } from "../language/numbers.ts";
import { Icon } from "../look/icon.tsx";
import { WithAnswer } from "../look/states.tsx";

const everyMs = 3000;

/** Where every reading is, as it is now. */
export function IntakeFigures() {
  const perSecond = useRate();
  const answer = useAnswer("status", (signal) => ask(api.GET("/v1/status", { signal })), { everyMs });
  return (
    <WithAnswer answer={answer} height={120}>
      {(status) => <Figures status={status} perSecond={perSecond(status.received)} />}
    </WithAnswer>
  );
}

/** How many come in a second, from what was received at one look and the next; undefined at the first. */
function useRate(): (received: number) => number | undefined {
  const last = useRef<{ readonly received: number; readonly atMs: number; readonly rate: number | undefined }>(
    undefined,
  );
  return (received) => {
    const { current } = last;
    const atMs = performance.now();
    if (current === undefined) last.current = { received, atMs, rate: undefined };
    else if (atMs - current.atMs >= everyMs / 2)
      last.current = {
        received,
        atMs,
        rate: (Math.max(0, received - current.received) * 1000) / (atMs - current.atMs),
      };
    return last.current?.rate;
  };
}

function Figures({ status, perSecond }: { status: Schemas["Status"]; perSecond: number | undefined }) {
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
        <Figure
          name={t("intake.now")}
          text={perSecond === undefined ? "…" : t("intake.rate", { rate: rate(perSecond) })}
        />
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

interface FigureProps {
  readonly name: string;
  readonly value?: number;
  readonly text?: string;
  readonly tone?: string;
}

function Figure({ name, value = 0, text = count(value), tone = "" }: FigureProps) {
  return (
    <div class={`figure ${tone === "" ? "" : `figure-${tone}`}`}>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}
