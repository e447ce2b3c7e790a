/** Where a server listens: a port, or a unix socket. */
export type Target = { readonly host: string; readonly port: number } | { readonly path: string };
