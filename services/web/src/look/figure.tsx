/** One number with its name, and what is to be said of it. */
export function Figure({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>{value}</dd>
      <dd class="figure-note">{note}</dd>
    </div>
  );
}
