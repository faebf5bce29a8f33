import { useEffect, useState } from "preact/hooks";

/** What a stream of events said last. `isLive`: it is open, so that nobody needs to ask. */
export interface Events<Data> {
  readonly newest: Data | undefined;
  readonly isLive: boolean;
}

/** Listens while the page is there; the browser connects again by itself where it can. */
export function useEvents<Data>(url: string, name: string): Events<Data> {
  const [known, setKnown] = useState<Events<Data> & { readonly url: string }>({
    url,
    newest: undefined,
    isLive: false,
  });
  useEffect(() => {
    const source = new EventSource(url);
    source.addEventListener(name, (event) =>
      setKnown({ url, newest: JSON.parse((event as MessageEvent<string>).data) as Data, isLive: true }),
    );
    source.onerror = () => setKnown((before) => ({ ...before, isLive: false }));
    return () => source.close();
  }, [url, name]);
  return known.url === url ? known : { newest: undefined, isLive: false };
}
