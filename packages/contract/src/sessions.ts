import { z } from "zod";
import { roles } from "./access.ts";

/** The cookie of a session: httpOnly, SameSite=Strict, its path is the base path (C15). */
export const sessionCookie = "provost_session";
/** What a request that comes with the cookie and changes something must carry besides: the session's own `csrf`. */
export const csrfHeader = "x-provost-csrf";

export const sessionRequestSchema = z.strictObject({
  token: z.string().min(1).max(512).describe("An access token; the answer sets the session's cookie"),
});
export type SessionRequest = z.input<typeof sessionRequestSchema>;

/** Who is signed in, and until when. */
export const sessionSchema = z.object({
  id: z.string(),
  name: z.string().describe("Name of the token that opened it"),
  role: z.enum(roles),
  csrf: z
    .string()
    .describe(`Goes along, as the header ${csrfHeader}, with every request of this session that is no GET`),
  createdAt: z.string(),
  expiresAt: z.string().describe("It ends then at the latest; with its token before that"),
  idleEndsAt: z.string().describe("It ends then unless it is used before; as of this answer"),
});
export type Session = z.infer<typeof sessionSchema>;
