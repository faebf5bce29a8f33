/** The parts of an XLSX that do not grow (ECMA-376, part 1, 12). */

const xml = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const sheetsNs = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const packageNs = "http://schemas.openxmlformats.org/package/2006";
const type = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/** Stands first, before it is known how many sheets there will be: whatever is no other part is a sheet. */
export const contentTypes = [
  `${xml}<Types xmlns="${packageNs}/content-types">`,
  '<Default Extension="rels"',
  ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>',
  `<Default Extension="xml" ContentType="${type}.worksheet+xml"/>`,
  `<Override PartName="/xl/workbook.xml" ContentType="${type}.sheet.main+xml"/>`,
  `<Override PartName="/xl/styles.xml" ContentType="${type}.styles+xml"/>`,
  "</Types>",
].join("");

export const relations = [
  `${xml}<Relationships xmlns="${packageNs}/relationships">`,
  `<Relationship Id="rId1" Type="${office}/officeDocument" Target="xl/workbook.xml"/>`,
  "</Relationships>",
].join("");

export function sheetPath(number: number): string {
  return `xl/worksheets/sheet${number}.xml`;
}

/** What tells of the sheets, and how cells look: 1 names of columns, 2 instants, 3 text that stays text. */
export function packageParts(title: string, sheets: number): readonly (readonly [name: string, text: string])[] {
  const numbers = Array.from({ length: sheets }, (_, i) => i + 1);
  const nameOf = (number: number) => cellText(number === 1 ? sheetName(title) : `${sheetName(title)} ${number}`);
  const listed = numbers.map((n) => `<sheet name="${nameOf(n)}" sheetId="${n}" r:id="rId${n}"/>`).join("");
  const related = numbers.map(
    (n) => `<Relationship Id="rId${n}" Type="${office}/worksheet" Target="worksheets/sheet${n}.xml"/>`,
  );
  const styles = `<Relationship Id="rId${sheets + 1}" Type="${office}/styles" Target="styles.xml"/>`;
  return [
    [
      "xl/workbook.xml",
      `${xml}<workbook xmlns="${sheetsNs}" xmlns:r="${office}"><sheets>${listed}</sheets></workbook>`,
    ],
    [
      "xl/_rels/workbook.xml.rels",
      `${xml}<Relationships xmlns="${packageNs}/relationships">${related.join("")}${styles}</Relationships>`,
    ],
    ["xl/styles.xml", stylesXml],
  ];
}

const titleLengthMax = 26;

/** A name has at most 31 signs, and not all of them. */
function sheetName(title: string): string {
  return title.replaceAll(/[^\w.-]/g, "-").slice(0, titleLengthMax);
}

const font = '<font><sz val="11"/><name val="Calibri"/></font>';
const stylesXml = [
  `${xml}<styleSheet xmlns="${sheetsNs}">`,
  '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd hh:mm:ss"/></numFmts>',
  `<fonts count="2">${font}${font.replace("<font>", "<font><b/>")}</fonts>`,
  '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>',
  '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>',
  '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>',
  '<cellXfs count="4">',
  '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>',
  '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>',
  '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>',
  '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>',
  "</cellXfs>",
  '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>',
  "</styleSheet>",
].join("");

/** A spreadsheet refuses a file with a longer cell. */
const cellLengthMax = 32_767;
const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** As XML: what it cannot hold is written as spreadsheets do, and half a character is replaced. */
export function cellText(text: string): string {
  if (/^[\w.:/ -]*$/.test(text) && !text.includes("_x")) return text;
  const whole = text.length > cellLengthMax ? `${text.slice(0, cellLengthMax - 1)}…` : text;
  return whole
    .toWellFormed()
    .replaceAll(/_x(?=[0-9A-Fa-f]{4}_)/g, "_x005F_x")
    .replaceAll(/[&<>"]/g, (sign) => entities[sign] as string)
    .replaceAll(unfit, (sign) => `_x${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`);
}

/** Of which XML 1.0 has none; a carriage return would come back as a line feed. */
const unfit = /(?![\t\n])[\p{Cc}\uFFFE\uFFFF]/gu;
