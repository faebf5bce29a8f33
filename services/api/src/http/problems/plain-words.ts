import type { z } from "zod";
import type { FieldError } from "./problem.ts";

/** What a schema found wrong, as fields and rules in the words of a caller. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[], part: string): FieldError[] {
  return issues.flatMap((issue) => {
    const field = issue.path.map(String).join(".");
    if (issue.code === "unrecognized_keys") {
      const kind = part === "querystring" ? "parameter" : "member";
      return issue.keys.map((key) => ({
        field: field === "" ? key : `${field}.${key}`,
        message: `there is no such ${kind}`,
      }));
    }
    return [{ field: field === "" ? part : field, message: plainMessage(issue) }];
  });
}

function plainMessage(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return wrongKind(issue);
  if (issue.code === "invalid_value") return `must be one of ${issue.values.map(String).join(", ")}`;
  if (issue.code === "too_big" && issue.origin === "string") return `is longer than ${issue.maximum} characters`;
  if (issue.code === "too_big" && issue.origin === "array") return `has more than ${issue.maximum} entries`;
  if (issue.code === "too_small" && issue.origin === "string") return "must not be empty";
  if (issue.code === "invalid_union") return `must be ${unionOf(issue.errors)}`;
  return issue.message;
}

const kinds: Readonly<Record<string, string>> = {
  object: "an object",
  record: "an object",
  array: "a list",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  null: "null",
};

function wrongKind({ expected, message }: z.core.$ZodIssueInvalidType): string {
  const received = /, received (\w+)$/.exec(message)?.[1];
  if (received === "undefined") return "is required";
  // A rule of the field's own.
  if (received === undefined) return message;
  return `must be ${kinds[expected] ?? expected}, and is ${kinds[received] ?? received}`;
}

function unionOf(branches: readonly (readonly z.core.$ZodIssue[])[]): string {
  const expected = branches.flatMap((issues) =>
    issues.flatMap((issue) => (issue.code === "invalid_type" ? (kinds[issue.expected] ?? issue.expected) : [])),
  );
  return [...new Set(expected)].join(" or ");
}
