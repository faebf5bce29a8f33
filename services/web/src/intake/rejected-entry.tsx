import { useState } from "preact/hooks";
import { api, ask, CallProblem } from "../api/client.ts";
import { dateTime } from "../language/dates.ts";
import { isMessage, t } from "../language/language.ts";
import { count } from "../language/numbers.ts";
import { Icon } from "../look/icon.tsx";
import { ProblemNotice } from "../look/problem-notice.tsx";
import { decodePayload, hexDump } from "./decode-payload.ts";
import type { Rejection } from "./rejection.ts";

const hereZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** One refused message: why, what it said, its bytes, and another try. */
export function RejectedEntry({ rejection, done }: { rejection: Rejection; done: () => void }) {
  const { reason, detail, topic, meterId, clientId, receivedAt, replayedAt } = rejection;
  const known = `reason.${reason}`;
  return (
    <li>
      <details class="entry">
        <summary>
          <code>{reason}</code>
          <span>{isMessage(known) ? t(known) : detail}</span>
          <span class="soft">{meterId ?? clientId}</span>
          <span class="soft">{dateTime(receivedAt, hereZone)}</span>
          {replayedAt === null ? null : <span class="badge badge-final">{t("rejected.replayed")}</span>}
        </summary>
        <dl class="pairs">
          <Pair name={t("rejected.detail")} text={detail} />
          <Pair name={t("rejected.topic")} text={topic} />
          <Pair name={t("rejected.client")} text={clientId} />
          {meterId === null ? null : (
            <div>
              <dt>{t("rejected.meter")}</dt>
              <dd>
                <a href={`/meters/${encodeURIComponent(meterId)}`}>{meterId}</a>
              </dd>
            </div>
          )}
        </dl>
        <Payload rejection={rejection} />
        <Replay rejection={rejection} done={done} />
      </details>
    </li>
  );
}

function Pair({ name, text }: { name: string; text: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}

function Payload({ rejection: { payload, text, truncatedFrom } }: { rejection: Rejection }) {
  const [isRaw, setRaw] = useState(false);
  const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
  const decoded = decodePayload(bytes, text);
  const shown = isRaw || decoded === undefined ? hexDump(bytes) : decoded;
  return (
    <>
      <div class="row">
        <strong>{t("rejected.bytes", { count: bytes.length, shown: count(bytes.length) })}</strong>
        {decoded === undefined ? null : (
          <button type="button" class="button button-quiet" aria-pressed={isRaw} onClick={() => setRaw(!isRaw)}>
            {t(isRaw ? "rejected.decoded" : "rejected.raw")}
          </button>
        )}
      </div>
      {truncatedFrom === null ? null : <p class="notice">{t("rejected.cut", { size: count(truncatedFrom) })}</p>}
      {bytes.length === 0 ? null : <pre tabIndex={0}>{shown}</pre>}
    </>
  );
}

type Outcome = { readonly accepted: number; readonly stillRejected: readonly { reason: string; detail: string }[] };

function Replay({ rejection: { id, replayedAt, truncatedFrom }, done }: { rejection: Rejection; done: () => void }) {
  const [outcome, setOutcome] = useState<Outcome>();
  const [problem, setProblem] = useState<CallProblem>();
  const [isBusy, setBusy] = useState(false);
  const replay = () => {
    setBusy(true);
    setProblem(undefined);
    ask(api.POST("/v1/rejected/{id}/replay", { params: { path: { id } } }))
      .then(
        (answer) => setOutcome(answer),
        (error: unknown) =>
          setProblem(error instanceof CallProblem ? error : new CallProblem(0, "internal", String(error))),
      )
      .finally(() => setBusy(false));
  };
  if (outcome !== undefined)
    return (
      <div role="status">
        <p class={outcome.accepted > 0 ? "clear" : "notice"}>
          {t("replay.accepted", { count: outcome.accepted, shown: count(outcome.accepted) })}
        </p>
        {outcome.stillRejected.map(({ reason, detail }) => (
          <p key={`${reason} ${detail}`} class="soft">
            <code>{reason}</code> {detail}
          </p>
        ))}
        <button type="button" class="button" onClick={done}>
          {t("replay.refresh")}
        </button>
      </div>
    );
  return (
    <>
      {problem === undefined ? null : <ProblemNotice problem={problem} />}
      <p class="row">
        <button
          type="button"
          class="button"
          disabled={isBusy || replayedAt !== null || truncatedFrom !== null}
          onClick={replay}
        >
          <Icon name="retry" /> {t("replay.button")}
        </button>
        <span class="soft">{t("replay.about")}</span>
      </p>
    </>
  );
}
