import { t } from "../language/language.ts";
import { Icon } from "./icon.tsx";

/** Prints the page as it is: what is for the screen only is left out. */
export function PrintButton() {
  return (
    <button type="button" class="button button-quiet print" onClick={() => print()}>
      <Icon name="print" /> {t("download.print")}
    </button>
  );
}
