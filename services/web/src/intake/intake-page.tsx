import { t } from "../language/language.ts";
import { Icon } from "../look/icon.tsx";
import { may } from "../session/session.ts";
import { usePageTitle } from "../shell/page-title.ts";
import { DamageList } from "./damage-list.tsx";
import { GapList } from "./gap-list.tsx";
import { IntakeFigures } from "./intake-figures.tsx";
import { RejectedList } from "./rejected-list.tsx";

export function IntakePage() {
  usePageTitle(t("nav.intake"));
  return (
    <>
      <h1>{t("nav.intake")}</h1>
      <p class="lead soft">{t("intake.about")}</p>
      <section class="panel" aria-label={t("intake.now")}>
        <IntakeFigures />
      </section>
      {may("analyst", "operator") ? <GapList /> : null}
      {may("operator") ? (
        <>
          <RejectedList />
          <DamageList />
        </>
      ) : (
        <p class="notice">
          <Icon name="key" /> {t("intake.operatorsOnly")}
        </p>
      )}
    </>
  );
}
