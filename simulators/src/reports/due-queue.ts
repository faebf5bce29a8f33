/** Things that wait for their time; equal times leave in the order in which they came (a binary heap). */
export interface DueQueue<Thing> {
  readonly size: number;
  add(due: number, thing: Thing): void;
  /** The next thing that is due at or before `now`. */
  take(now: number): { readonly due: number; readonly thing: Thing } | undefined;
}

interface Entry<Thing> {
  readonly due: number;
  readonly turn: number;
  readonly thing: Thing;
}

export function dueQueue<Thing>(): DueQueue<Thing> {
  const heap: Entry<Thing>[] = [];
  let turn = 0;
  const entry = (index: number) => heap[index] as Entry<Thing>;

  function swap(a: number, b: number): void {
    const kept = entry(a);
    heap[a] = entry(b);
    heap[b] = kept;
  }

  function rise(index: number): void {
    for (let at = index; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry(at), entry(parent))) return;
      swap(at, parent);
      at = parent;
    }
  }

  function sink(): void {
    for (let at = 0; ; ) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && isBefore(entry(child), entry(first))) first = child;
      }
      if (first === at) return;
      swap(at, first);
      at = first;
    }
  }

  return {
    get size() {
      return heap.length;
    },
    add(due, thing) {
      heap.push({ due, turn: turn++, thing });
      rise(heap.length - 1);
    },
    take(now) {
      const top = heap[0];
      if (top === undefined || top.due > now) return undefined;
      const last = heap.pop() as Entry<Thing>;
      if (heap.length > 0) {
        heap[0] = last;
        sink();
      }
      return top;
    },
  };
}

function isBefore<Thing>(a: Entry<Thing>, b: Entry<Thing>): boolean {
  return a.due < b.due || (a.due === b.due && a.turn < b.turn);
}
