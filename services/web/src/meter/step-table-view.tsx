import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import { useEffect, useMemo, useReducer, useRef } from "preact/hooks";
import type { LoadedCurves } from "../curves/load-curves.ts";
import { day, exactTime, time } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amountNumber, count, unitSign } from "../language/numbers.ts";
import { compareName } from "./compare-name.ts";
import { type StepRow, stepTable } from "./step-rows.ts";

const rowPixels = 36;

interface StepTableProps {
  readonly loaded: LoadedCurves;
  /** Of a sum: of how many meters each step is. */
  readonly counted?: readonly { readonly present: number; readonly expected: number }[] | undefined;
}

/** The same numbers as text. Only the rows that are seen are in the page: a year of quarter hours is 35 040. */
export function StepTableView({ loaded, counted }: StepTableProps) {
  const table = useMemo(() => stepTable(loaded), [loaded]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualRows(scroller, table.size);
  const { curve } = loaded;
  const sign = unitSign(curve.unit);
  const heads = [
    t("table.from"),
    t("table.to"),
    `${t("table.amount")}, ${sign}`,
    ...(table.hasExport ? [`${t("table.export")}, ${sign}`] : []),
    t(counted === undefined ? "table.quality" : "groups.meters"),
    ...table.compared.map(({ name }) => `${compareName(name)}, ${sign}`),
  ];
  const shape = {
    gridTemplateColumns: `minmax(var(--rows-from, 15.5rem), 1.2fr) minmax(var(--rows-to, 5rem), 0.6fr) ${"minmax(var(--rows-cell, 7.5rem), 1fr) ".repeat(heads.length - 2)}`,
    minWidth: `calc(var(--rows-from, 15.5rem) + var(--rows-to, 5rem) + 2rem + (var(--rows-cell, 7.5rem) + 14px) * ${heads.length - 2})`,
  };
  return (
    <div
      ref={scroller}
      class="rows"
      tabIndex={0}
      role="table"
      aria-label={t("table.label")}
      aria-rowcount={table.size + 1}
    >
      <div role="row" class="rows-head" aria-rowindex={1} style={shape}>
        {heads.map((head, i) => (
          <span key={head} role="columnheader" class={isNumber(i, table.hasExport) ? "number" : ""}>
            {head}
          </span>
        ))}
      </div>
      <div role="rowgroup" class="rows-body" style={{ height: `${virtual.getTotalSize()}px` }}>
        {virtual.getVirtualItems().map(({ index, start }) => (
          <div
            key={index}
            role="row"
            aria-rowindex={index + 2}
            style={{ ...shape, transform: `translateY(${start}px)` }}
          >
            <Cells row={table.row(index)} loaded={loaded} hasExport={table.hasExport} counted={counted?.[index]} />
          </div>
        ))}
      </div>
    </div>
  );
}

function isNumber(column: number, hasExport: boolean): boolean {
  return column === 2 || (hasExport && column === 3) || column > (hasExport ? 4 : 3);
}

interface CellsProps {
  readonly row: StepRow;
  readonly loaded: LoadedCurves;
  readonly hasExport: boolean;
  readonly counted: { readonly present: number; readonly expected: number } | undefined;
}

function Cells({ row, loaded, hasExport, counted }: CellsProps) {
  const { zone, unit } = loaded.curve;
  const isLong = row.to - row.from >= 82_800;
  const number = (value: number) => (Number.isNaN(value) ? "–" : amountNumber(value, unit));
  return (
    <>
      <span role="rowheader">{isLong ? day(row.from, zone) : exactTime(row.from, zone).replace(/:00 /, " ")}</span>
      <span role="cell">{isLong ? day(row.to - 1, zone) : time(row.to, zone)}</span>
      <span role="cell" class="number">
        {number(row.value)}
      </span>
      {hasExport ? (
        <span role="cell" class="number">
          {number(row.exported)}
        </span>
      ) : null}
      <span role="cell">
        {counted === undefined ? null : `${count(counted.present)} / ${count(counted.expected)} `}
        <i class={`mark mark-${row.quality}`} /> {t(`quality.${row.quality}` as "quality.actual")}
      </span>
      {row.compared.map((value, i) => (
        <span key={i} role="cell" class="number">
          {number(value)}
        </span>
      ))}
    </>
  );
}

function useVirtualRows(scroller: { readonly current: HTMLDivElement | null }, rows: number) {
  const [, drawAnew] = useReducer((turn: number, _event: undefined) => turn + 1, 0);
  const options = {
    count: rows,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPixels,
    overscan: 12,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => drawAnew(undefined),
  };
  const virtual = useRef<Virtualizer<HTMLDivElement, HTMLDivElement>>(undefined);
  virtual.current ??= new Virtualizer(options);
  virtual.current.setOptions(options);
  useEffect(() => virtual.current?._didMount(), []);
  useEffect(() => virtual.current?._willUpdate());
  return virtual.current;
}
