/**
 * A set that remembers the order in which its members came. Its oldest member costs the same however many have left: a
 * `Set` walks over the places of all that were deleted before it, so taking a fleet from its front is quadratic.
 */
export interface OrderedQueue<Member> extends Iterable<Member> {
  readonly size: number;
  has(member: Member): boolean;
  /** At the end; a member that is in it already stays where it is. */
  add(member: Member): void;
  /** Behind all others. Answers whether it is in it. */
  moveToEnd(member: Member): boolean;
  /** Answers whether it was in it. */
  delete(member: Member): boolean;
}

/** Of a ring: a place without a member stands between the last and the first, so that each has two neighbours. */
interface Place<Member> {
  member: Member | undefined;
  before: Place<Member>;
  after: Place<Member>;
}

/** Who is deleted while it is walked is not met. Nobody is moved while it is walked. */
export function orderedQueue<Member extends object>(members: Iterable<Member> = []): OrderedQueue<Member> {
  const ends = emptyRing<Member>();
  const places = new Map<Member, Place<Member>>();

  function add(member: Member): void {
    if (places.has(member)) return;
    const place = { member, before: ends, after: ends };
    places.set(member, place);
    putBefore(ends, place);
  }

  for (const member of members) add(member);
  return {
    get size() {
      return places.size;
    },
    has: (member) => places.has(member),
    add,
    moveToEnd(member) {
      const place = places.get(member);
      if (place === undefined) return false;
      takeOut(place);
      putBefore(ends, place);
      return true;
    },
    delete(member) {
      const place = places.get(member);
      if (place === undefined) return false;
      places.delete(member);
      takeOut(place);
      // Whoever walks the queue may stand on this place, and goes on from it.
      place.member = undefined;
      return true;
    },
    *[Symbol.iterator]() {
      for (let place = ends.after; place !== ends; place = place.after) {
        if (place.member !== undefined) yield place.member;
      }
    },
  };
}

function emptyRing<Member>(): Place<Member> {
  const place = { member: undefined } as Place<Member>;
  place.before = place;
  place.after = place;
  return place;
}

function putBefore<Member>(next: Place<Member>, place: Place<Member>): void {
  place.before = next.before;
  place.after = next;
  place.before.after = place;
  next.before = place;
}

function takeOut<Member>({ before, after }: Place<Member>): void {
  before.after = after;
  after.before = before;
}
