import type { RuleTexts } from "../messages.ts";

/** Each rule by name, and what it means. Loaded where rules are shown. */
export const ruleTexts: RuleTexts = {
  V03: {
    name: "Outside its time",
    about:
      "The reading lies before the meter was installed or after it was removed, or energy was used while the supply was cut.",
  },
  V09: { name: "Too old", about: "The reading is more than three years old, and far older than the others." },
  V10: { name: "From the future", about: "The reading is later than the moment at which it came." },
  V12: {
    name: "Second value",
    about: "Another value came for the same moment. The first one counts until somebody decides.",
  },
  V13: { name: "Ran backwards", about: "The register shows less than before, or less than what follows allows." },
  V14: {
    name: "Went round",
    about: "The register began again at zero after its last digit. The use counts across it.",
  },
  V15: { name: "Zero", about: "The register shows exactly 0 after it has shown more." },
  V16: { name: "Repeated", about: "The meter sent the same reading again." },
  V17: { name: "Beyond the connection", about: "More was counted than the connection can carry in that time." },
  V18: { name: "Odd peak", about: "One interval stands far above all others of its day." },
  V19: {
    name: "Unlike the month before",
    about: "The daily use is less than a third or more than three times that of the month before.",
  },
  V20: {
    name: "Intervals disagree",
    about: "The intervals do not add up to what the register counted. The register counts.",
  },
  V21: { name: "Tariffs disagree", about: "The tariff registers do not add up to the total." },
  V22: {
    name: "A register is silent",
    about: "A register of the master data has nothing in this month, though others have.",
  },
  V23: { name: "No use", about: "Nothing was used for at least seven days." },
  V24: { name: "The meter doubts it", about: "The meter says that its clock or its data are not valid." },
  V25: { name: "Wrong clock", about: "The meter's clock was off by more than 15 minutes." },
  V27: {
    name: "Given, unasked",
    about: "Energy was given to the grid, and no register of the master data is for that.",
  },
  V29: { name: "Long unread", about: "Nothing was read for more than 60 days: somebody should read the meter." },
  OPERATOR: { name: "Rejected by hand", about: "An operator rejected the reading." },
};
