import { signal } from "@preact/signals";

export interface RecentMeter {
  readonly meterId: string;
  readonly usagePointId: string;
  /** Which page of it; the meter's where absent. */
  readonly place?: "usage-point" | undefined;
}

/** The page that a search or the list of recent ones leads to. */
export function addressOf({ meterId, usagePointId, place }: RecentMeter): string {
  if (place === "usage-point") return `/usage-points/${encodeURIComponent(usagePointId)}`;
  return `/meters/${encodeURIComponent(meterId)}`;
}

export const isSearchOpen = signal(false);

export function openSearch(): void {
  isSearchOpen.value = true;
}

/** What such an entry is called: by the page that it leads to. */
export function nameOf({ meterId, usagePointId, place }: RecentMeter): string {
  return place === "usage-point" ? usagePointId : meterId;
}

const storageKey = "meterbook.recent";
const recentMax = 8;

/** Meters and usage points that were looked at in this browser, newest first. */
export const recent = signal<readonly RecentMeter[]>(readRecent());

export function remember(meter: RecentMeter): void {
  const others = recent.value.filter((one) => addressOf(one) !== addressOf(meter));
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
