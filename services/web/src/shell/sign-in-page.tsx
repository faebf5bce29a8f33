import { useState } from "preact/hooks";
import { CallProblem } from "../api/client.ts";
import { t } from "../language/language.ts";
import { signIn } from "../session/session.ts";
import { usePageTitle } from "./page-title.ts";

/** Stands in place of whatever page was asked for, which is there once the key is known. */
export function SignInPage() {
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<CallProblem>();
  const [isBusy, setBusy] = useState(false);
  usePageTitle(t("signIn.title"));
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    await signIn(key.trim()).catch((error: unknown) => {
      setProblem(error instanceof CallProblem ? error : new CallProblem(0, "internal", String(error)));
      setBusy(false);
    });
  }
  return (
    <form class="sign-in panel" onSubmit={(event) => void submit(event)}>
      <img src="/icon.svg" alt="" width="44" height="44" />
      <h1>{t("signIn.title")}</h1>
      <p class="soft">{t("signIn.about")}</p>
      <label class="field">
        <span>{t("signIn.key")}</span>
        <input
          type="password"
          name="key"
          autocomplete="current-password"
          required
          value={key}
          aria-invalid={problem !== undefined}
          aria-describedby="sign-in-problem"
          onInput={(event) => setKey(event.currentTarget.value)}
        />
      </label>
      <p id="sign-in-problem" class="field-problem" role="alert">
        {problem === undefined ? "" : t(problem.code === "key_unknown" ? "signIn.unknown" : "problem.offline")}
      </p>
      <button type="submit" class="button button-main" disabled={isBusy || key.trim() === ""}>
        {t("signIn.submit")}
      </button>
    </form>
  );
}
