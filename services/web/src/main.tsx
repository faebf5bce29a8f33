import "@fontsource-variable/inter/wght.css";
import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/meter.css";
import "./styles/months.css";
import "./styles/groups.css";
import "./styles/findings.css";
import "./styles/print.css";
import { render } from "preact";
import { App } from "./app.tsx";
import { languageAtStart, speak } from "./language/language.ts";
import { readSession } from "./session/session.ts";

const page = document.getElementById("page");
if (page === null) throw new Error("index.html has no element with the id page");
await Promise.all([speak(languageAtStart()), readSession().catch(() => undefined)]);
render(<App />, page);
