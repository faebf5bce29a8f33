/** Addresses of the pages for people. The API's own begin with `/v1`, so that neither gets in the other's way. */
const pages = ["meters", "months", "intake", "search", "groups", "findings", "usage-points", "sign-in"];

export const pageRoutes: readonly string[] = ["/", ...pages.flatMap((page) => [`/${page}`, `/${page}/*`])];

/** What the pages are made of. */
const pageFiles = ["/assets/", "/icon.svg", "/theme.js", "/manifest.webmanifest"];

/** Whether an address is a page or one of its files: everybody may have it, because there is nobody's data in it. */
export function isPage(url: string): boolean {
  return pageRoutes.includes(url) || pageFiles.some((file) => url.startsWith(file));
}
