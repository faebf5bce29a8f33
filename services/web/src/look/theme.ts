import { signal } from "@preact/signals";

type Theme = "light" | "dark";

const system = matchMedia("(prefers-color-scheme: dark)");
const storageKey = "meterbook.theme";

/** Which theme is seen now; what is drawn on a canvas asks it. */
export const theme = signal<Theme>(seen());

system.addEventListener("change", () => {
  theme.value = seen();
});

export function turnTheme(): void {
  const next: Theme = theme.value === "dark" ? "light" : "dark";
  document.documentElement.dataset["theme"] = next;
  theme.value = next;
  try {
    localStorage.setItem(storageKey, next);
  } catch {
    // Storage is switched off: it holds for this visit.
  }
}

function seen(): Theme {
  const set = document.documentElement.dataset["theme"];
  if (set === "light" || set === "dark") return set;
  return system.matches ? "dark" : "light";
}
