/** Every code that the API answers, with its status and title (docs/api-errors.md says what to do about each). */
export const problems = {
  request_invalid: [400, "The request breaks the rules of the call"],
  cursor_invalid: [400, "The cursor is not one of this list"],
  period_invalid: [400, "A period is YYYY-MM"],
  range_too_long: [400, "The range is longer than one answer may be"],
  json_invalid: [400, "The body is not JSON"],
  url_invalid: [400, "The address is malformed"],
  request_malformed: [400, "The request is not HTTP"],
  key_missing: [401, "An API key is needed"],
  key_unknown: [401, "The API key is not known"],
  origin_refused: [403, "The call comes from another site"],
  scope_missing: [403, "The API key does not allow this call"],
  route_unknown: [404, "There is no such call"],
  meter_unknown: [404, "The meter is not known"],
  register_unknown: [404, "The meter has no such register"],
  reading_unknown: [404, "There is no such reading"],
  usage_point_unknown: [404, "The usage point is not known"],
  outage_unknown: [404, "The outage is not known"],
  group_unknown: [404, "The group is not known"],
  version_unknown: [404, "There is no such version"],
  statement_unknown: [404, "There is no statement"],
  snapshot_unknown: [404, "There is no snapshot"],
  revision_unknown: [404, "There is no such revision"],
  seal_unknown: [404, "There is no seal yet"],
  damage_unknown: [404, "There is no such damage"],
  job_unknown: [404, "There is no such job"],
  rejection_unknown: [404, "There is no such refused message"],
  method_not_allowed: [405, "The call does not exist with this method"],
  not_acceptable: [406, "The answer does not come in this format"],
  request_timeout: [408, "The request took too long to arrive"],
  period_open: [409, "The period is not over"],
  cursor_ahead: [409, "The cursor is ahead of the ledger"],
  already_replayed: [409, "The refused message was replayed already"],
  replay_in_progress: [409, "The refused message is being replayed"],
  installation_conflict: [409, "The installations contradict each other"],
  record_damaged: [409, "The record is damaged"],
  store_damaged: [409, "Readings of the meter are damaged"],
  group_too_large: [409, "The group has too many members for this"],
  shares_not_kept: [409, "This log does not count what senders fill"],
  repair_impossible: [409, "This is not mended by a call"],
  payload_truncated: [409, "Not all of the refused message was kept"],
  version_mismatch: [412, "It was changed since"],
  body_too_large: [413, "The body is too large"],
  import_too_large: [413, "The import has too many lines"],
  media_type_unsupported: [415, "The body's format is not taken"],
  headers_too_large: [431, "The request's headers are too large"],
  internal: [500, "Something is broken here"],
  storage_unavailable: [503, "The storage does not answer"],
  too_many_exports: [503, "Too many exports at a time"],
  too_many_streams: [503, "Too many streams at a time"],
  too_many_jobs: [503, "Too many jobs at a time"],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof problems;

/** One thing that is wrong with a request. `field` is the parameter or the path into the body. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** A request that cannot be answered as asked; becomes `application/problem+json` (RFC 9457). */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly code: ProblemCode;
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    detail: string,
    extra: { errors?: readonly FieldError[]; headers?: Readonly<Record<string, string>>; cause?: unknown } = {},
  ) {
    super(detail, { cause: extra.cause });
    this.code = code;
    this.errors = extra.errors ?? [];
    this.headers = extra.headers ?? {};
  }

  get status(): number {
    return problems[this.code][0];
  }
}

const errorsMax = 32;
const messageLengthMax = 300;

/**
 * The first of them, with what the caller sent cut short, and a count of the rest: an answer is smaller than its cause.
 */
export function fewErrors(errors: readonly FieldError[], max: number = errorsMax): readonly FieldError[] {
  const few = errors.slice(0, max).map(({ field, message }) => ({
    field: cut(field, 100),
    message: cut(message, messageLengthMax),
  }));
  return errors.length > max ? [...few, { field: "errors", message: `and ${errors.length - max} more` }] : few;
}

function cut(text: string, lengthMax: number): string {
  return text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text;
}

/** A problem whose detail is its list of errors. */
export function requestInvalid(all: readonly FieldError[]): ApiProblem {
  const errors = fewErrors(all);
  return new ApiProblem("request_invalid", errors.map(({ field, message }) => `${field}: ${message}`).join("; "), {
    errors,
  });
}

export const problemType = "application/problem+json";

export function problemDocument(problem: ApiProblem): Record<string, unknown> {
  const [status, title] = problems[problem.code];
  const errors = problem.errors.length === 0 ? {} : { errors: problem.errors };
  return {
    type: `urn:meterbook:problem:${problem.code}`,
    title,
    status,
    code: problem.code,
    detail: problem.message,
    ...errors,
  };
}
