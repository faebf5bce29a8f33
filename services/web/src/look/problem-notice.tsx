import type { CallProblem } from "../api/client.ts";
import { isMessage, t } from "../language/language.ts";
import { session } from "../session/session.ts";
import { Icon } from "./icon.tsx";

/** What went wrong, in the reader's language where it is known, with the API's own words and a way on. */
export function ProblemNotice({ problem, again }: { problem: CallProblem; again?: () => void }) {
  if (problem.code === "scope_missing") return <NoRight />;
  const known = `problem.${problem.code}`;
  return (
    <div class="notice notice-bad" role="alert">
      <Icon name="alert" />
      <div>
        <strong>{t(isMessage(known) ? known : "problem.internal")}</strong>
        <p>{problem.message}</p>
        {again === undefined ? null : (
          <button type="button" class="button" onClick={again}>
            <Icon name="retry" /> {t("problem.again")}
          </button>
        )}
      </div>
    </div>
  );
}

/** For whoever is signed in and may not see this: who they are, and whom to ask. */
function NoRight() {
  const { name = null, scopes = [] } = session.value ?? {};
  return (
    <div class="notice" role="status">
      <Icon name="key" />
      <div>
        <strong>{t("problem.scope_missing")}</strong>
        <p>
          {t("problem.yourKey", { name: name ?? "", scopes: scopes.map((scope) => t(`scope.${scope}`)).join(", ") })}
        </p>
      </div>
    </div>
  );
}
