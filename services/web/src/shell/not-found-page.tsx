import { t } from "../language/language.ts";
import { openSearch } from "../search/search-state.ts";
import { usePageTitle } from "./page-title.ts";

export function NotFoundPage() {
  usePageTitle(t("notFound.title"));
  return (
    <section class="lost">
      <h1>{t("notFound.title")}</h1>
      <p class="soft">{t("notFound.about")}</p>
      <p class="row">
        <a class="button button-main" href="/">
          {t("nav.start")}
        </a>
        <button type="button" class="button" onClick={openSearch}>
          {t("search.placeholder")}
        </button>
      </p>
    </section>
  );
}
