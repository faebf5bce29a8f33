// A reporter for vitest: names the tests that failed first and passed when they were tried again, so that none hides.
export default class SecondTries {
  onTestRunEnd(modules) {
    const flaky = modules.flatMap((module) =>
      [...module.children.allTests()].filter((test) => test.diagnostic()?.flaky === true),
    );
    for (const test of flaky)
      console.log(`passed at the second try: ${test.module.relativeModuleId} > ${test.fullName}`);
  }
}
