import { ProviderError } from "../provider-error.ts";

/** The error that a call must end with. */
export async function refusal(call: Promise<unknown>): Promise<ProviderError> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof ProviderError) return thrown;
  throw new TypeError(`no ProviderError was thrown but ${String(thrown)}`);
}
