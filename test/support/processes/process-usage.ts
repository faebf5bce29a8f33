import { readFileSync } from "node:fs";

const ticksPerSecond = 100;

/** CPU seconds (user and system) that a process has used; Linux only. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

type Processes = Readonly<Record<string, { readonly pid: number }>>;

/** CPU seconds of each process from this call until that of the answer. */
export function cpuFromNow(processes: Processes): () => Record<string, number> {
  const used = () => ofEach(processes, ({ pid }) => cpuSecondsOf(pid));
  const before = used();
  return () => ofEach(used(), (seconds, name) => seconds - (before[name] ?? 0));
}

export function peaksOf(processes: Processes): Record<string, number> {
  return ofEach(processes, ({ pid }) => peakBytesOf(pid));
}

/** The same names with what `pick` makes of each. */
export function ofEach<Value>(
  all: Readonly<Record<string, Value>>,
  pick: (value: Value, name: string) => number,
): Record<string, number> {
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, pick(value, name)]));
}

/** Resident memory in bytes; Linux only. */
export function residentBytesOf(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? 0) * 1024;
}

/** The most that it had at any time, in bytes; Linux only. */
export function peakBytesOf(pid: number): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? 0) * 1024;
}

/** Samples a process's memory while something runs. */
export async function watchMemory<Answer>(
  pid: number,
  work: () => Promise<Answer>,
): Promise<{ answer: Answer; bytes: number[] }> {
  const bytes: number[] = [];
  const timer = setInterval(() => bytes.push(residentBytesOf(pid)), 500);
  try {
    return { answer: await work(), bytes };
  } finally {
    clearInterval(timer);
  }
}
