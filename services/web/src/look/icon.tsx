/** Drawn for 20 by 20, in the colour of the text beside them. */
const paths = {
  search: "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM13 13l4 4",
  sun: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
  moon: "M16.5 11.6A6.8 6.8 0 0 1 8.4 3.5a6.8 6.8 0 1 0 8.1 8.1Z",
  left: "M12 4.5 6.5 10l5.5 5.5",
  right: "M8 4.5 13.5 10 8 15.5",
  down: "M4.5 7.5 10 13l5.5-5.5",
  download: "M10 3v9.5M5.5 8.5 10 13l4.5-4.5M3.5 16.5h13",
  home: "M3 9.5 10 3.5l7 6M5 8.5V16h10V8.5",
  month: "M3.5 5h13v11.5h-13zM3.5 8.5h13M7 3v3.5M13 3v3.5",
  groups: "M10 3v5M4.5 16v-4.5h11V16M10 8v3.5M10 11.5V16M8 3h4M3 16h3M8.5 16h3M14 16h3",
  intake: "M10 2.5v8M6.5 7.5 10 11l3.5-3.5M3 11.5l1.5 5h11l1.5-5",
  check: "m4.5 10.5 3.5 3.5 7.5-8",
  alert: "M10 3 18 17H2L10 3ZM10 8v4M10 14.2v.3",
  key: "M12.5 3.5a4 4 0 1 0-3.7 5.5L3.5 14.5V17H6v-2h2v-2l2.3-1.8A4 4 0 0 0 12.5 3.5Z",
  retry: "M16 6.5A7 7 0 1 0 17 10M16.5 3v4h-4",
  out: "M8 3.5H4.5v13H8M12 6.5 15.5 10 12 13.5M7.5 10h8",
  print: "M6 7V3.5h8V7M6 14H3.5V7.5h13V14H14M6 11.5h8v5H6z",
  zoomOut: "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM13 13l4 4M6.5 9h5",
  close: "m5 5 10 10M15 5 5 15",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
