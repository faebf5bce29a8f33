/** Of the API. */
export const pageItemsMax = 1000;

interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string | undefined;
}

interface Pages<Item> {
  readonly items: readonly Item[];
  /** There were more than were wanted. */
  readonly isCut: boolean;
}

/** Page after page, until there is no more or `itemsMax` are there. */
export async function allPages<Item>(
  load: (page: { readonly limit: number; readonly cursor?: string }) => Promise<PageOf<Item>>,
  itemsMax: number,
): Promise<Pages<Item>> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(pageItemsMax, itemsMax - items.length);
    const page = await load(cursor === undefined ? { limit } : { limit, cursor });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined && items.length < itemsMax);
  return { items, isCut: cursor !== undefined };
}
