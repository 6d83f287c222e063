import { useState } from "react";
import { asApiError, type ApiError } from "../api/problem.ts";
import { signIn } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { Command } from "../ui/empty.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Field, TextInput } from "../ui/field.tsx";
import { Logo } from "./logo.tsx";

/** A token for a session: the token itself is not kept in the browser. */
export function SignIn() {
  const [token, setToken] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const submit = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await signIn(token);
    } catch (thrown) {
      setError(asApiError(thrown));
      setBusy(false);
    }
  };
  return (
    <main className="grid min-h-full grid-cols-1 place-items-center bg-panel px-4 py-12">
      <div className="flex w-full max-w-sm flex-col gap-6">
        <div>
          <Logo className="mb-4 size-9" />
          <h1 className="text-2xl font-semibold tracking-tight">Sign in to Provost</h1>
          <p className="text-muted">With an access token. The browser gets a session and forgets the token.</p>
        </div>
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            if (token.trim() !== "" && !busy) void submit();
          }}
        >
          <Field label="Access token" htmlFor="token">
            <TextInput
              id="token"
              type="password"
              value={token}
              onChange={setToken}
              autoComplete="current-password"
              autoFocus
              required
              aria-invalid={error !== undefined}
            />
          </Field>
          {error !== undefined && <ErrorNote error={error} />}
          <Button type="submit" kind="primary" busy={busy} disabled={token.trim() === ""}>
            Sign in
          </Button>
        </form>
        <div className="flex flex-col items-start gap-2 border-t border-line pt-4 text-muted">
          <p>
            The first token lies in the file <code className="font-mono text-xs">admin-token</code> of the server&apos;s
            data folder. Make more of them for people and programs:
          </p>
          <Command text="npx provost token create alice --role operator" />
        </div>
      </div>
    </main>
  );
}
