import type { Session } from "@provost/contract";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, onSignedOut, setCsrf } from "./client.ts";
import { ApiError } from "./problem.ts";
import { queryClient } from "./queries.ts";
import { permits, type Role } from "./roles.ts";

/** Who is signed in; null when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return keep(await api.get<Session>("session", { signal }));
    } catch (error) {
      // No session (404), or one that has ended (401): both mean to sign in.
      if (error instanceof ApiError && (error.status === 401 || error.status === 404)) return null;
      throw error;
    }
  },
  staleTime: Infinity,
  gcTime: Infinity,
});

function keep(session: Session): Session {
  setCsrf(session.csrf);
  return session;
}

/** @throws ApiError `unauthenticated` for a token that is not valid, `too_many_attempts`. */
export async function signIn(token: string): Promise<void> {
  const session = keep(await api.post<Session>("session", { token: token.trim() }));
  queryClient.setQueryData(sessionQuery.queryKey, session);
}

export async function signOut(): Promise<void> {
  await api.delete("session");
  forget();
}

function forget(): void {
  setCsrf("");
  queryClient.setQueryData(sessionQuery.queryKey, null);
  queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
}

/** A session that ends while the page is open leads back to the sign-in, and what was read is forgotten. */
export function watchSession(): void {
  onSignedOut(() => {
    if (queryClient.getQueryData(sessionQuery.queryKey)) forget();
  });
}

/** May who is signed in do what needs the role? What they can't is not shown at all. */
export function useMay(needed: Role): boolean {
  const { data } = useQuery(sessionQuery);
  return data !== null && data !== undefined && permits(data.role, needed);
}
