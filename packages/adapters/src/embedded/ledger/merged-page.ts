/** A list in the order of its keys, read a page at a time. */
export interface Cursor<Item> {
  /** At most `limit` items behind a key; fewer means the end. */
  next(after: string, limit: number): Promise<readonly Item[]>;
  /** By which lists are ordered, and which is unlike those of other items of its list. */
  keyOf(item: Item): string;
}

/**
 * Of several lists, ordered by key: the next `limit` items behind a key. What stands under one key in two comes once.
 */
export async function mergedPage<Item>(
  cursors: readonly Cursor<Item>[],
  after: string,
  limit: number,
): Promise<Item[]> {
  const heads = cursors.map((cursor) => ({ cursor, items: [] as readonly Item[], at: 0, last: after, isAtEnd: false }));
  const page: Item[] = [];
  const portion = portionOf(limit, cursors.length);

  /** The next item of a list, fetched where none is at hand; keys are spread evenly, so its share is most of it. */
  async function headOf(head: (typeof heads)[number]): Promise<Item | undefined> {
    if (head.at === head.items.length && !head.isAtEnd) {
      const most = Math.min(portion, limit - page.length);
      head.items = await head.cursor.next(head.last, most);
      head.at = 0;
      head.isAtEnd = head.items.length < most;
      const last = head.items.at(-1);
      if (last !== undefined) head.last = head.cursor.keyOf(last);
    }
    return head.items[head.at];
  }

  let taken: string | undefined;
  while (page.length < limit) {
    let least: { readonly head: (typeof heads)[number]; readonly item: Item; readonly key: string } | undefined;
    for (const head of heads) {
      // Only where one must be fetched: each wait is a turn of the event loop.
      const item = head.at < head.items.length ? (head.items[head.at] as Item) : await headOf(head);
      if (item === undefined) continue;
      const key = head.cursor.keyOf(item);
      if (least === undefined || key < least.key) least = { head, item, key };
    }
    if (least === undefined) break;
    least.head.at += 1;
    if (least.key !== taken) page.push(least.item);
    taken = least.key;
  }
  return page;
}

/** A share and the spread that is usual around it, so that most pages are one portion of each. */
function portionOf(limit: number, lists: number): number {
  const share = limit / lists;
  return Math.ceil(share + 2 * Math.sqrt(share));
}
