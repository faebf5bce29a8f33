import { useEffect } from "preact/hooks";
import { ErrorBoundary, LocationProvider, lazy, Route, Router, useLocation } from "preact-iso";
import { t } from "./language/language.ts";
import { Skeleton } from "./look/states.tsx";
import { SearchDialog } from "./search/search-dialog.tsx";
import { openSearch } from "./search/search-state.ts";
import { isSignedIn, session } from "./session/session.ts";
import { NotFoundPage } from "./shell/not-found-page.tsx";
import { SignInPage } from "./shell/sign-in-page.tsx";
import { TopBar } from "./shell/top-bar.tsx";
import { StartPage } from "./start/start-page.tsx";

const MeterPage = lazy(async () => (await import("./meter/meter-page.tsx")).MeterPage);
const ReadingPage = lazy(async () => (await import("./month-end/month-end-page.tsx")).MonthEndPage);
const MonthsPage = lazy(async () => (await import("./months/months-page.tsx")).MonthsPage);
const MonthPage = lazy(async () => (await import("./months/month-page.tsx")).MonthPage);
const UsagePointPage = lazy(async () => (await import("./usage-point/usage-point-page.tsx")).UsagePointPage);
const StatementPage = lazy(async () => (await import("./usage-point/statement-page.tsx")).StatementPage);
const GroupsPage = lazy(async () => (await import("./groups/groups-page.tsx")).GroupsPage);
const GroupPage = lazy(async () => (await import("./groups/group-page.tsx")).GroupPage);
const FindingsPage = lazy(async () => (await import("./findings/findings-page.tsx")).FindingsPage);
const IntakePage = lazy(async () => (await import("./intake/intake-page.tsx")).IntakePage);

export function App() {
  return (
    <LocationProvider>
      <button type="button" class="skip" onClick={() => document.getElementById("content")?.focus()}>
        {t("nav.skip")}
      </button>
      <TopBar />
      <main id="content" tabIndex={-1}>
        <Pages />
      </main>
      <SearchDialog />
      <Keys />
    </LocationProvider>
  );
}

function Pages() {
  const who = session.value;
  if (who === undefined) return <Skeleton rows={6} />;
  if (!isSignedIn(who)) return <SignInPage />;
  return (
    <ErrorBoundary>
      <Router>
        <Route path="/" component={StartPage} />
        <Route path="/meters/:meterId" component={MeterPage} />
        <Route path="/meters/:meterId/months/:period" component={ReadingPage} />
        <Route path="/months" component={MonthsPage} />
        <Route path="/months/:period" component={MonthPage} />
        <Route path="/usage-points/:usagePointId" component={UsagePointPage} />
        <Route path="/usage-points/:usagePointId/months/:period" component={StatementPage} />
        <Route path="/groups" component={GroupsPage} />
        <Route path="/groups/:groupId" component={GroupPage} />
        <Route path="/intake" component={IntakePage} />
        <Route path="/findings" component={FindingsPage} />
        <Route default component={NotFoundPage} />
      </Router>
    </ErrorBoundary>
  );
}

/** `/` opens the search from everywhere, as does the key that many know from elsewhere. */
function Keys() {
  const { path } = useLocation();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.closest("input, select, textarea") !== null;
      const isSlash = event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey;
      if (!isSlash && !(event.key === "k" && (event.ctrlKey || event.metaKey))) return;
      event.preventDefault();
      openSearch();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  useEffect(() => scrollTo(0, 0), [path]);
  return null;
}
