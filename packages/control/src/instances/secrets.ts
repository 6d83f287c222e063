import type { Seal } from "../seal.ts";
import type { InstanceRow } from "../storage/rows.ts";

/** An instance's secrets, sealed each for its own place (C2, C15). */
export class Secrets {
  readonly #seal: Seal;

  constructor(seal: Seal) {
    this.#seal = seal;
  }

  sealScript(id: string, script: string): string {
    return this.#seal.seal(script, place(id, "script"));
  }

  sealRootPassword(id: string, password: string): string {
    return this.#seal.seal(password, place(id, "root-password"));
  }

  /** Throws `secret_unreadable`. */
  open(row: Pick<InstanceRow, "id" | "script" | "root_password">): { script?: string; rootPassword?: string } {
    return {
      ...(row.script === null ? {} : { script: this.#seal.open(row.script, place(row.id, "script")) }),
      ...(row.root_password === null
        ? {}
        : { rootPassword: this.#seal.open(row.root_password, place(row.id, "root-password")) }),
    };
  }

  callbackToken(row: Pick<InstanceRow, "id" | "token_nonce">): string {
    return this.#seal.callbackToken(row.id, row.token_nonce);
  }
}

function place(id: string, what: string): string {
  return `instance:${id}:${what}`;
}
