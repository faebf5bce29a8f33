import { signal } from "@preact/signals";
import { type Language, language } from "../language/language.ts";
import type { RuleTexts } from "../language/messages.ts";

/** All that findings are listed by; a test holds them to the engine's. */
export const rules = [
  ...["V03", "V09", "V10", "V12", "V13", "V14", "V15", "V16", "V17", "V18", "V19", "V20", "V21", "V22", "V23", "V24"],
  ...["V25", "V27", "V29", "OPERATOR"],
] as const;

/** Those that are about a reading at their instant. The others are about a month. */
const ofReadings: ReadonlySet<string> = new Set([
  "V03",
  "V09",
  "V10",
  "V12",
  "V13",
  "V14",
  "V15",
  "V16",
  "V17",
  "V18",
  "V24",
  "V25",
  "OPERATOR",
]);
const ofRegisters: ReadonlySet<string> = new Set(["V13", "V14", "V15", "V16"]);

/** Whether a rule may mean a reading of that kind. */
export function meansReading(rule: string, kind: string): boolean {
  return ofReadings.has(rule) && (kind === "register" ? rule !== "V18" : !ofRegisters.has(rule));
}

const loaded = signal<{ readonly language: Language; readonly texts: RuleTexts } | undefined>(undefined);
let loading: Language | undefined;

/** Asked for where rules are shown, so that other pages stay light; who asks is drawn anew when they are there. */
function texts(): RuleTexts {
  const of = language();
  if (loaded.value?.language === of) return loaded.value.texts;
  // Where they do not come the numbers stand, and the next drawing asks again.
  if (loading !== of) load(of).catch(() => {});
  return {};
}

async function load(of: Language): Promise<void> {
  loading = of;
  try {
    const { ruleTexts } = of === "uk" ? await uk() : await en();
    loaded.value = { language: of, texts: ruleTexts };
  } finally {
    loading = undefined;
  }
}

const uk = () => import("../language/uk/rule-messages.ts");
const en = () => import("../language/en/rule-messages.ts");

/** Its number until its name is there; a newer API may have more. */
export function ruleName(rule: string): string {
  return texts()[rule]?.name ?? rule;
}

export function ruleAbout(rule: string): string {
  return texts()[rule]?.about ?? "";
}
