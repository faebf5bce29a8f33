/**
 * A set that remembers the order in which its members came. Its oldest member costs the same however many have left: a `Set`
 * walks over the places of all that were deleted before it, so taking a fleet from its front is quadratic.
 */
export interface OrderedQueue<Member> extends Iterable<Member> {
  readonly size: number;
  has(member: Member): boolean;
  /** At the end; a member that is in it already stays where it is. */
  add(member: Member): void;
  /** Answers whether it was in it. */
  delete(member: Member): boolean;
}

/** So many empty places are never worth moving the members together. */
const emptyPlacesMin = 1024;

/** Who is deleted while it is walked is not met. */
export function orderedQueue<Member extends object>(members: Iterable<Member> = []): OrderedQueue<Member> {
  let line: (Member | undefined)[] = [];
  let first = 0;
  const places = new Map<Member, number>();

  function add(member: Member): void {
    if (places.has(member)) return;
    places.set(member, line.length);
    line.push(member);
  }

  function moveTogether(): void {
    line = line.filter((member) => member !== undefined);
    first = 0;
    for (const [place, member] of line.entries()) places.set(member as Member, place);
  }

  for (const member of members) add(member);
  return {
    get size() {
      return places.size;
    },
    has: (member) => places.has(member),
    add,
    delete(member) {
      const place = places.get(member);
      if (place === undefined) return false;
      places.delete(member);
      line[place] = undefined;
      while (first < line.length && line[first] === undefined) first += 1;
      if (line.length > 2 * places.size + emptyPlacesMin) moveTogether();
      return true;
    },
    *[Symbol.iterator]() {
      const walked = line;
      for (let place = first; place < walked.length; place += 1) {
        const member = walked[place];
        if (member !== undefined && places.has(member)) yield member;
      }
    },
  };
}
