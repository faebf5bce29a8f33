import { t } from "../language/language.ts";
import { Icon } from "./icon.tsx";

const formats = [
  ["csv", "CSV"],
  ["xlsx", "XLSX"],
  ["parquet", "Parquet"],
  ["ndjson", "NDJSON"],
] as const;

/** The whole of a list, as the API streams it: `call` has its query already. */
export function DownloadLinks({ call }: { call: string }) {
  return (
    <p class="row downloads">
      {formats.map(([format, name]) => (
        <a
          key={format}
          class="button button-quiet"
          href={`${call}&format=${format}`}
          aria-label={t("download.all", { format: name })}
          title={t("download.all", { format: name })}
          download
        >
          <Icon name="download" /> {name}
        </a>
      ))}
    </p>
  );
}
