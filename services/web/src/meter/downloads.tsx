import type { LoadedCurves } from "../curves/load-curves.ts";
import { t } from "../language/language.ts";
import { Icon } from "../look/icon.tsx";
import { fileQuery } from "./file-query.ts";
import { csvOf, ndjsonOf } from "./step-rows.ts";

/** Exactly what is shown: the same steps, and what they are compared with. */
export function Downloads({ loaded }: { loaded: LoadedCurves }) {
  return (
    <div class="row downloads">
      <Download name="CSV" type="text/csv" extension="csv" text={() => csvOf(loaded)} loaded={loaded} />
      <Download
        name="NDJSON"
        type="application/x-ndjson"
        extension="ndjson"
        text={() => ndjsonOf(loaded)}
        loaded={loaded}
      />
      <FileLink name="XLSX" format="xlsx" loaded={loaded} />
      <FileLink name="Parquet" format="parquet" loaded={loaded} />
      <button type="button" class="button button-quiet" onClick={() => print()}>
        <Icon name="print" />
        <span class="unseen">{t("download.print")}</span>
      </button>
    </div>
  );
}

/** The same curves as the API's own file: one below the other, each step with its quality. */
function FileLink({ name, format, loaded }: { name: string; format: string; loaded: LoadedCurves }) {
  return (
    <a
      class="button button-quiet"
      aria-label={t("download.as", { format: name })}
      title={t("download.as", { format: name })}
      href={`/v1/curves?${fileQuery(loaded)}&format=${format}`}
      download
    >
      <Icon name="download" /> {name}
    </a>
  );
}

interface DownloadProps {
  readonly name: string;
  readonly type: string;
  readonly extension: string;
  readonly text: () => string;
  readonly loaded: LoadedCurves;
}

function Download({ name, type, extension, text, loaded }: DownloadProps) {
  const { meterId, register } = loaded.curve;
  return (
    <button
      type="button"
      class="button button-quiet"
      aria-label={t("download.as", { format: name })}
      title={t("download.as", { format: name })}
      onClick={() => save(new Blob([text()], { type }), `curve-${meterId}-${register}.${extension}`)}
    >
      <Icon name="download" /> {name}
    </button>
  );
}

function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
