/**
 * First come, first served, at the same cost however many wait. `shift` of an array of 100 000 moves all of them each
 * time: to take 20 000 off it took two seconds.
 */
export interface WaitingLine<Item> {
  readonly length: number;
  first(): Item | undefined;
  push(item: Item): void;
  take(): Item | undefined;
}

/** So many empty places are never worth cutting off. */
const emptyPlacesMin = 1024;

export function waitingLine<Item>(): WaitingLine<Item> {
  let line: (Item | undefined)[] = [];
  let front = 0;
  return {
    get length() {
      return line.length - front;
    },
    first: () => line[front],
    push: (item) => void line.push(item),
    take() {
      if (front === line.length) return undefined;
      const item = line[front];
      line[front] = undefined;
      front += 1;
      if (front > emptyPlacesMin && front * 2 > line.length) {
        line = line.slice(front);
        front = 0;
      }
      return item;
    },
  };
}
