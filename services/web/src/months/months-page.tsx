import { t } from "../language/language.ts";
import { usePageTitle } from "../shell/page-title.ts";
import { MonthTiles } from "./month-tiles.tsx";

export function MonthsPage() {
  usePageTitle(t("nav.months"));
  return (
    <>
      <h1>{t("nav.months")}</h1>
      <p class="lead soft">{t("months.about")}</p>
      <MonthTiles />
    </>
  );
}
