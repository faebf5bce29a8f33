// Before anything is drawn: the theme and the language that were chosen here.
try {
  const theme = localStorage.getItem("meterbook.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  const language = localStorage.getItem("meterbook.language") ?? navigator.language;
  document.documentElement.lang = language.startsWith("uk") ? "uk" : "en";
} catch {
  // Storage is switched off: the system's theme and English.
}
