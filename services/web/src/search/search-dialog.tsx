import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, ask, type Schemas } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { t } from "../language/language.ts";
import { Icon } from "../look/icon.tsx";
import { ProblemNotice } from "../look/problem-notice.tsx";
import { addressOf, isSearchOpen, nameOf, type RecentMeter, recent } from "./search-state.ts";

type Found = RecentMeter & { readonly registered?: boolean; readonly serialNumber?: string | undefined };

/** Everywhere: `/` opens it, arrows choose, Enter goes there. */
export function SearchDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = isSearchOpen.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog ref={dialog} class="search" aria-label={t("search.title")} onClose={() => (isSearchOpen.value = false)}>
      {isOpen ? <Search /> : null}
    </dialog>
  );
}

function Search() {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const { route } = useLocation();
  const q = text.trim();
  const isValid = q === "" || /^[\p{L}\p{N}]\P{C}{0,63}$/u.test(q);
  const answer = useAnswer(isValid && q !== "" ? q : undefined, (signal) =>
    ask(api.GET("/v1/search", { params: { query: { q } }, signal })),
  );
  const found: readonly Found[] = q === "" ? recent.value : isValid ? (answer.data?.items ?? []).map(foundOf) : [];
  const go = (meter: Found | undefined) => {
    if (meter === undefined) return;
    isSearchOpen.value = false;
    route(addressOf(meter));
  };
  const onKey = (event: KeyboardEvent) => {
    // Who types a whole name and Enter means that one, though the list may still be of what was typed before.
    if (event.key === "Enter") go((chosen === 0 ? found.find((one) => nameOf(one) === q) : undefined) ?? found[chosen]);
    else if (event.key === "ArrowDown") setChosen(Math.min(chosen + 1, found.length - 1));
    else if (event.key === "ArrowUp") setChosen(Math.max(chosen - 1, 0));
    else return;
    event.preventDefault();
  };
  return (
    <>
      <SearchInput
        text={text}
        onKey={onKey}
        active={found[chosen] === undefined ? undefined : `found-${chosen}`}
        onText={(next) => {
          setText(next);
          setChosen(0);
        }}
      />
      {answer.problem === undefined || q === "" ? null : (
        <ProblemNotice problem={answer.problem} again={answer.again} />
      )}
      <p class="search-said" role="status">
        {saidOf(q, isValid, found.length, answer.isLoading)}
      </p>
      <FoundList found={found} chosen={chosen} go={go} />
    </>
  );
}

function foundOf({ kind, meterId, usagePointId, ...rest }: Schemas["FoundMeter"]): Found {
  const shared = { meterId: meterId ?? "", usagePointId, ...rest };
  return kind === "usage-point" ? { ...shared, place: kind } : shared;
}

function saidOf(q: string, isValid: boolean, size: number, isLoading: boolean): string {
  if (q === "") return recent.value.length === 0 ? "" : t("search.recent");
  if (!isValid) return t("search.invalid");
  if (size === 0) return isLoading ? "" : t("search.none", { text: q });
  return t("search.found", { count: size });
}

interface SearchInputProps {
  readonly text: string;
  readonly active: string | undefined;
  readonly onText: (text: string) => void;
  readonly onKey: (event: KeyboardEvent) => void;
}

function SearchInput({ text, active, onText, onKey }: SearchInputProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  return (
    <div class="search-head">
      <Icon name="search" />
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label={t("search.hint")}
        aria-controls="found"
        aria-expanded="true"
        aria-autocomplete="list"
        {...(active === undefined ? {} : { "aria-activedescendant": active })}
        placeholder={t("search.hint")}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => onText(event.currentTarget.value)}
        onKeyDown={onKey}
      />
      <button type="button" class="tool" aria-label={t("search.close")} onClick={() => (isSearchOpen.value = false)}>
        <Icon name="close" />
      </button>
    </div>
  );
}

/** Whether its place has a name of its own. */
function isNamed({ place, meterId, usagePointId }: RecentMeter): boolean {
  return place !== undefined || usagePointId !== meterId;
}

interface FoundListProps {
  readonly found: readonly Found[];
  readonly chosen: number;
  readonly go: (meter: Found) => void;
}

function FoundList({ found, chosen, go }: FoundListProps) {
  return (
    <div id="found" class="found" role="listbox" aria-label={t("search.title")}>
      {found.map((meter, index) => (
        <div
          key={addressOf(meter)}
          id={`found-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === chosen}
          onClick={() => go(meter)}
          onKeyDown={() => undefined}
        >
          <strong>{nameOf(meter)}</strong>
          <span class="soft">
            {meter.place !== undefined ? t("point.kicker") : isNamed(meter) ? meter.usagePointId : ""}
            {meter.serialNumber === undefined ? "" : `${isNamed(meter) ? " · " : ""}${meter.serialNumber}`}
            {meter.registered === false ? t("search.unregistered") : ""}
          </span>
        </div>
      ))}
    </div>
  );
}
