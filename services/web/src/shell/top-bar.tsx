import { useLocation } from "preact-iso";
import { choose, language, t } from "../language/language.ts";
import { Icon, type IconName } from "../look/icon.tsx";
import { theme, turnTheme } from "../look/theme.ts";
import { openSearch } from "../search/search-state.ts";
import { may, session, signOut } from "../session/session.ts";

interface Place {
  readonly href: string;
  readonly label: "nav.start" | "nav.months" | "nav.groups" | "nav.findings" | "nav.intake";
  readonly icon: IconName;
}

function places(): readonly Place[] {
  const all: Place[] = [{ href: "/", label: "nav.start", icon: "home" }];
  if (may("billing", "analyst", "operator")) all.push({ href: "/months", label: "nav.months", icon: "month" });
  if (may("analyst", "operator")) all.push({ href: "/groups", label: "nav.groups", icon: "groups" });
  if (may("billing", "analyst", "operator")) all.push({ href: "/findings", label: "nav.findings", icon: "alert" });
  all.push({ href: "/intake", label: "nav.intake", icon: "intake" });
  return all;
}

export function TopBar() {
  return (
    <header class="bar">
      <div class="bar-in">
        <a class="brand" href="/">
          <img src="/icon.svg" alt="" width="26" height="26" />
          <span>Meterbook</span>
        </a>
        <Places />
        <button type="button" class="search-open" aria-label={t("search.placeholder")} onClick={openSearch}>
          <Icon name="search" />
          <span>{t("search.placeholder")}</span>
          <kbd>/</kbd>
        </button>
        <Tools />
      </div>
    </header>
  );
}

function Places() {
  const { path } = useLocation();
  return (
    <nav class="places" aria-label={t("nav.label")}>
      {places().map(({ href, label, icon }) => (
        <a key={href} href={href} aria-current={isAt(path, href) ? "page" : undefined}>
          <Icon name={icon} />
          <span>{t(label)}</span>
        </a>
      ))}
    </nav>
  );
}

function isAt(path: string, href: string): boolean {
  return href === "/" ? path === "/" : path === href || path.startsWith(`${href}/`);
}

function Tools() {
  const other = language() === "uk" ? "en" : "uk";
  const { keyNeeded = false, name = null } = session.value ?? {};
  return (
    <div class="tools">
      <button type="button" class="tool" lang={other} onClick={() => void choose(other)} title={t("tool.language")}>
        {other === "uk" ? "УКР" : "ENG"}
        <span class="unseen"> {t("tool.language")}</span>
      </button>
      <button type="button" class="tool" onClick={turnTheme} aria-label={t("tool.theme")} title={t("tool.theme")}>
        <Icon name={theme.value === "dark" ? "sun" : "moon"} />
      </button>
      {keyNeeded && name !== null ? (
        <button
          type="button"
          class="tool tool-account"
          onClick={() => void signOut()}
          title={t("tool.signOut", { name })}
        >
          <span>{name}</span>
          <Icon name="out" />
        </button>
      ) : null}
    </div>
  );
}
