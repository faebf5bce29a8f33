/** A cell of RFC 4180: quoted where it holds a comma, a quote or a line break. */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A cell whose text an outsider chose: a text that a spreadsheet would run as a formula gets an apostrophe in front.
 * Some spreadsheets take the wide forms of these characters for the same. Only for texts to be read by people; ids and
 * numbers cannot begin so.
 */
export function foreignCell(text: string): string {
  return csvCell(/^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/.test(text) ? `'${text}` : text);
}

/** Empty for what is not there. */
export function csvRow(cells: readonly (string | number | null | undefined)[]): string {
  return `${cells.map((cell) => cell ?? "").join(",")}\n`;
}
