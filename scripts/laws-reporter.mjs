// A vitest reporter for `npm run laws`: which law of the job manager is proven by how many tests, on which store. Laws are
// cited in the tests' names (`L3`). Exits non-zero when a test fails or is skipped, or a law has none on one of the stores.

const laws = {
  L1: "Order",
  L2: "Readiness",
  L3: "One claim, told honestly",
  L4: "Decay",
  L5: "Directed run",
  L6: "Nesting",
  L7: "Release and wake",
  L8: "Long beside short",
  L9: "Time",
  L10: "Budget",
  L11: "Durability",
  L12: "Atomicity and shared memory",
  L13: "Schedules",
  L14: "Bounds",
  L15: "Sight",
  L16: "Fairness",
  L17: "Keeping",
};
const stores = ["SQLite", "PostgreSQL"];

export default class LawsReporter {
  onTestRunEnd(modules, errors) {
    const proven = new Map();
    const bad = errors.map((error) => `✗ ${error.message}`);
    for (const module of modules) {
      bad.push(...module.errors().map((error) => `✗ ${module.moduleId}: ${error.message}`));
      for (const test of module.children.allTests()) this.#count(test, proven, bad);
    }
    const missing = [];
    console.log(`\n${"law".padEnd(34)}${stores.map((store) => store.padStart(12)).join("")}`);
    for (const [law, title] of Object.entries(laws)) {
      const counts = stores.map((store) => proven.get(`${law} ${store}`) ?? 0);
      console.log(`${law.padEnd(5)}${title.padEnd(29)}${counts.map((count) => String(count).padStart(12)).join("")}`);
      missing.push(
        ...stores.filter((_, index) => counts[index] === 0).map((store) => `✗ ${law} has no test on ${store}`),
      );
    }
    for (const line of [...bad, ...missing]) console.log(line);
    if (bad.length + missing.length > 0) process.exitCode = 1;
  }

  #count(test, proven, bad) {
    const { state } = test.result();
    const name = test.fullName;
    if (state !== "passed") {
      bad.push(`✗ ${state}: ${name}`);
      return;
    }
    const cited = new Set(name.match(/\bL\d+\b/g));
    for (const store of stores.filter((each) => name.includes(each)))
      for (const law of cited) proven.set(`${law} ${store}`, (proven.get(`${law} ${store}`) ?? 0) + 1);
  }
}
