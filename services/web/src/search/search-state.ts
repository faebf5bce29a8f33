import { signal } from "@preact/signals";

export interface RecentMeter {
  readonly meterId: string;
  readonly usagePointId: string;
}

export const isSearchOpen = signal(false);

export function openSearch(): void {
  isSearchOpen.value = true;
}

const storageKey = "meterbook.recent";
const recentMax = 8;

/** Meters that were looked at in this browser, newest first. */
export const recent = signal<readonly RecentMeter[]>(readRecent());

export function remember(meter: RecentMeter): void {
  const others = recent.value.filter(({ meterId }) => meterId !== meter.meterId);
  recent.value = [meter, ...others].slice(0, recentMax);
  try {
    localStorage.setItem(storageKey, JSON.stringify(recent.value));
  } catch {
    // Storage is switched off: they hold for this visit.
  }
}

function readRecent(): readonly RecentMeter[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(storageKey) ?? "[]");
    return Array.isArray(stored) ? stored.filter(isRecent).slice(0, recentMax) : [];
  } catch {
    return [];
  }
}

function isRecent(value: unknown): value is RecentMeter {
  const { meterId, usagePointId } = (value ?? {}) as Partial<Record<keyof RecentMeter, unknown>>;
  return typeof meterId === "string" && typeof usagePointId === "string";
}
