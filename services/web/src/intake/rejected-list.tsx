import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, ask } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { t } from "../language/language.ts";
import { Choice } from "../look/choice.tsx";
import { Empty, WithAnswer } from "../look/states.tsx";
import { RejectedEntry } from "./rejected-entry.tsx";
import { rejectionReasons } from "./rejection.ts";

const pageSize = 25;

/** Refused messages, newest first; what is looked for stands in the address. */
export function RejectedList() {
  const { query, path, route } = useLocation();
  const [pages, setPages] = useState(1);
  const { meter = "", reason = "", replayed = "" } = query;
  const asked = {
    order: "newest" as const,
    limit: pageSize * pages,
    ...(meter === "" ? {} : { meterId: meter }),
    ...(reason === "" ? {} : { reason }),
    ...(replayed === "" ? {} : { includeReplayed: true }),
  };
  const answer = useAnswer(JSON.stringify(asked), (signal) =>
    ask(api.GET("/v1/rejected", { params: { query: asked as never }, signal })),
  );
  const show = (change: Record<string, string>) => {
    const next = Object.entries({ meter, reason, replayed, ...change }).filter(([, text]) => text !== "");
    route(`${path}?${new URLSearchParams(next)}`);
  };
  return (
    <section class="panel" aria-labelledby="rejected">
      <div class="panel-head">
        <div>
          <h2 id="rejected">{t("rejected.title")}</h2>
          <p class="soft">{t("rejected.about")}</p>
        </div>
      </div>
      <Filters meter={meter} reason={reason} replayed={replayed} show={show} />
      <WithAnswer answer={answer} height={160}>
        {({ items, nextCursor }) =>
          items.length === 0 ? (
            <Empty title={t("rejected.none")}>{t("rejected.noneAbout")}</Empty>
          ) : (
            <>
              <ul class="entries">
                {items.map((rejection) => (
                  <RejectedEntry key={rejection.id} rejection={rejection} done={answer.again} />
                ))}
              </ul>
              {nextCursor === undefined || pages >= 40 ? null : (
                <button type="button" class="button" onClick={() => setPages(pages + 1)}>
                  {t("rejected.more")}
                </button>
              )}
            </>
          )
        }
      </WithAnswer>
    </section>
  );
}

interface FiltersProps {
  readonly meter: string;
  readonly reason: string;
  readonly replayed: string;
  readonly show: (change: Record<string, string>) => void;
}

function Filters({ meter, reason, replayed, show }: FiltersProps) {
  return (
    <form class="controls-row filters" onSubmit={(event) => event.preventDefault()}>
      <label class="choice">
        <span>{t("rejected.meter")}</span>
        <input type="text" value={meter} onChange={(event) => show({ meter: event.currentTarget.value.trim() })} />
      </label>
      <Choice
        label={t("rejected.reason")}
        value={reason}
        options={[
          ["", t("rejected.allReasons")],
          ...rejectionReasons.map((one) => [one, t(`reason.${one}`)] as const),
          ...(reason === "" || rejectionReasons.some((one) => one === reason) ? [] : [[reason, reason] as const]),
        ]}
        choose={(next) => show({ reason: next })}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={replayed !== ""}
          onChange={(event) => show({ replayed: event.currentTarget.checked ? "yes" : "" })}
        />
        <span>{t("rejected.withReplayed")}</span>
      </label>
    </form>
  );
}
