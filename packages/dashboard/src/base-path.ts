/** The path under which the server is reached, with a slash at its end: index.html's `<base>` says it. */
export const basePath = new URL(document.baseURI).pathname.replace(/[^/]*$/, "");
