import type { ComponentChildren } from "preact";

/** What may be wider than the screen: it is moved by itself, by keys too, and the page is not. */
export function Wide({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <section class="scroll-x" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
