/** How far values at month ends lie from the truth, by method. Wh and varh alike. */
export interface EstimateScore {
  add(method: string, error: number, consumption: number): void;
  table(): string;
}

interface Row {
  count: number;
  exact: number;
  errorSum: number;
  errorMax: number;
  consumptionSum: number;
}

export function estimateScore(): EstimateScore {
  const rows = new Map<string, Row>();
  return {
    add(method, error, consumption) {
      const row = rows.get(method) ?? { count: 0, exact: 0, errorSum: 0, errorMax: 0, consumptionSum: 0 };
      rows.set(method, row);
      const size = Math.abs(error);
      row.count += 1;
      if (size === 0) row.exact += 1;
      row.errorSum += size;
      row.errorMax = Math.max(row.errorMax, size);
      row.consumptionSum += consumption;
    },
    table() {
      const head = ["values at month ends", "count", "exact", "mean error", "max error", "of consumption"];
      const lines = [...rows].map(([method, { count, exact, errorSum, errorMax, consumptionSum }]) => {
        const share = consumptionSum === 0 ? "-" : `${((errorSum / consumptionSum) * 100).toFixed(4)} %`;
        return [method, count, exact, (errorSum / count).toFixed(1), errorMax, share];
      });
      return [head, ...lines]
        .map(([name, ...cells]) => String(name).padEnd(28) + cells.map(cellText).join(""))
        .join("\n");
    },
  };
}

function cellText(cell: string | number): string {
  return String(cell).padStart(16);
}
