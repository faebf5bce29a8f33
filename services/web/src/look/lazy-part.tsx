import type { ComponentType } from "preact";
import { useAnswer } from "../api/use-answer.ts";
import { WithAnswer } from "./states.tsx";

interface Loaded<Props> {
  readonly Part: ComponentType<Props>;
}

/**
 * A part of a page whose code is loaded when it is first shown, so that a page that does not show it is lighter. Until
 * then its place is held, `heightPixels` tall. A load that fails is told, and can be tried again.
 */
export function lazyPart<Props extends object>(
  name: string,
  load: () => Promise<ComponentType<Props>>,
  heightPixels: number,
): (props: Props) => preact.JSX.Element {
  let known: Loaded<Props> | undefined;
  return function LazyPart(props: Props) {
    const answer = useAnswer(known === undefined ? name : undefined, async () => {
      known = { Part: await load() };
      return known;
    });
    // Shown once, it is there at once: nothing flickers from one form to the next.
    return (
      <WithAnswer answer={known === undefined ? answer : { ...answer, data: known }} height={heightPixels}>
        {({ Part }) => <Part {...props} />}
      </WithAnswer>
    );
  };
}
