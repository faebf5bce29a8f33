/** What the thread that makes a table is told at its start. */
export interface TableOrder {
  readonly format: "xlsx" | "parquet";
  readonly title: string;
}

/** A piece of the table, or that it is over. Each is answered with what of the file is ready. */
export interface TableRequest {
  readonly csv?: Uint8Array;
}

export interface TableAnswer {
  readonly bytes: Uint8Array;
}
