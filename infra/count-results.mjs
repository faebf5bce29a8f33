// Prints the closing line of `.ci/run` from vitest's JSON report and the exit codes of the tests and of the gate.
// Plain JavaScript for Node 20: `node infra/count-results.mjs <report> <exit code of tests> <exit code of gate> <file:
// what could not be had>`.
import { readFileSync } from "node:fs";

const [reportPath = "", testsExit = "1", gateExit = "1", missingPath = ""] = process.argv.slice(2);
const report = readReport(reportPath);

let passed = report.numPassedTests;
let failed = report.numFailedTests + filesThatDidNotRun(report);
const skipped = report.numPendingTests + report.numTodoTests;

// An error outside of any test, a crash or a time limit: no test is to blame, and still it is a failure.
if (testsExit !== "0" && failed === 0) failed += 1;
if (gateExit === "0") passed += 1;
else failed += 1;

// What is not there leaves tests out, and nothing may go untested.
failed += linesOf(missingPath).length;

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failed === 0 ? 0 : 1);

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  }
}

function linesOf(path) {
  return path === ""
    ? []
    : readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== "");
}

/** A file that cannot be loaded fails without a failed test in it. */
function filesThatDidNotRun({ testResults }) {
  return testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  ).length;
}
