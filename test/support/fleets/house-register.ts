/** The registers of a house: the total is what the two tariffs count together. */
export const houseRegisters = ["1.8.0", "1.8.1", "1.8.2"] as const;
export type HouseRegister = (typeof houseRegisters)[number];

const hourSeconds = 3600;
const weekHours = 168;
const monday = Date.UTC(2001, 0, 1) / 1000;

/** Wh at an instant (seconds UTC): a closed form, exact in whole Wh at any second. */
export type RegisterOfTime = (register: HouseRegister, at: number) => number;

/** What a house uses repeats every week; each house uses another amount, so that no two could be mistaken. */
export function houseRegister(house: number): RegisterOfTime {
  const tariffs = { "1.8.1": tariff(house, true), "1.8.2": tariff(house, false) };
  return (register, at) => (register === "1.8.0" ? tariffs["1.8.1"](at) + tariffs["1.8.2"](at) : tariffs[register](at));
}

function tariff(house: number, isDay: boolean): (at: number) => number {
  const hourly = Array.from({ length: weekHours }, (_, hour) =>
    isDay === isDayHour(hour) ? 700 + 13 * house + 37 * (hour % 24) + 90 * Math.floor(hour / 24) : 0,
  );
  const before = hourly.map((_, hour) => hourly.slice(0, hour).reduce((sum, use) => sum + use, 0));
  const week = hourly.reduce((sum, use) => sum + use, 0);
  return (at) => {
    const hours = Math.floor((at - monday) / hourSeconds);
    const hour = hours % weekHours;
    const within = Math.floor(((hourly[hour] as number) * ((at - monday) % hourSeconds)) / hourSeconds);
    return Math.floor(hours / weekHours) * week + (before[hour] as number) + within;
  };
}

/** The tariff follows a clock in UTC, so that both tariffs count around every local midnight of the test's zones. */
function isDayHour(hourOfWeek: number): boolean {
  return hourOfWeek % 2 === 0;
}
