import { useEffect } from "preact/hooks";

/** The title of the browser's tab, which a screen reader says after each step. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = title === "" ? "Meterbook" : `${title} · Meterbook`;
  }, [title]);
}
