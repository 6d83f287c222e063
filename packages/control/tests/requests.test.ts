import { ProvostError } from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stores } from "./stores.ts";
import { sandboxToken, World } from "./world.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZ7zvm7Q8m5yJz0m2q8xYcJ8G3y9bD0aFh1kQe1m8xV someone";

async function refused(promise: Promise<unknown>): Promise<ProvostError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ProvostError) return error;
  throw new TypeError(`no ProvostError was thrown but ${String(error)}`);
}

/** Each wrong in one way: the change, the code, the field, and words of the message. */
const wrongRequests: [change: object, code: string, field: string | undefined, words: string][] = [
  [{ name: "Web_1" }, "invalid_name", "name", "Web_1"],
  [{ name: "a" }, "invalid_name", "name", "3–40"],
  [{ provider: "sandbx" }, "provider_not_found", "provider", "sandbox"],
  [{ image: "linode/debian13000" }, "image_not_found", "image", "linode/debian12"],
  [{ type: "g6-nanode-2" }, "type_not_found", "type", "g6-nanode-1"],
  [{ region: "us-eats" }, "region_not_found", "region", "us-east"],
  [{ sshKeys: ["ssh-ed25519 AAAA"] }, "invalid_ssh_key", "sshKeys", "SSH key 1"],
  [{ sshKeys: [key, "-----BEGIN OPENSSH PRIVATE KEY-----"] }, "invalid_ssh_key", "sshKeys", "SSH key 2 is a private"],
  [{ script: `#!/bin/sh\n${"x".repeat(20_000)}` }, "user_data_too_large", "script", "16384"],
  [{ colour: "red" }, "invalid_request", undefined, "colour"],
];

describe.each(stores)("requests on $name", (store) => {
  let world: World;

  beforeAll(async () => {
    world = await World.start({ store });
  });
  afterAll(() => world.stop());

  test.each(wrongRequests)(
    "C14: %o is refused as %s with the value and the way out, and leaves nothing",
    async (change, code, field, words) => {
      const before = await world.sql("select count(*) as n from control_instance");
      const error = await refused(world.deploy("wrong-1", change));
      expect(error).toMatchObject({ code });
      if (field !== undefined) expect(error.field).toBe(field);
      expect(error.message).toContain(words);
      expect(await world.sql("select count(*) as n from control_instance")).toEqual(before);
    },
  );

  test("C14: ten concurrent deploys of one name: one wins, nine are told that it is taken", async () => {
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => world.deploy("race-1")));
    const won = answers.filter(({ status }) => status === "fulfilled");
    expect(won).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === "rejected") expect(answer.reason).toMatchObject({ code: "name_taken", field: "name" });
    }
    await world.until("race-1", "provisioned");
    const labels = Object.keys(world.sandbox.stats().creates_by_label).filter((label) => label.startsWith("race-1-"));
    expect(labels).toHaveLength(1);
  });

  test("C14: an idempotency key gives the same instance again, at once and later, and refuses another request", async () => {
    const options = { idempotencyKey: "key-1" };
    const many = await Promise.all(Array.from({ length: 5 }, () => world.deploy("idem-1", {}, options)));
    expect(new Set(many.map(({ id }) => id)).size).toBe(1);
    await world.until("idem-1", "provisioned");
    expect(await world.deploy("idem-1", {}, options)).toMatchObject({ id: many[0]?.id, status: "provisioned" });
    const error = await refused(world.deploy("idem-2", {}, options));
    expect(error.code).toBe("idempotency_key_reused");
    expect(await refused(world.deploy("idem-3", {}, { idempotencyKey: "" }))).toMatchObject({
      code: "invalid_request",
    });
  });

  test("lists page by page, newest first", async () => {
    const all = await world.control.instances.list({ all: true, limit: 500 });
    const first = await world.control.instances.list({ all: true, limit: 1 });
    const rest = await world.control.instances.list({ all: true, limit: 500, after: first.next ?? "" });
    expect(first.items).toHaveLength(1);
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(all.items.map(({ id }) => id));
    expect(rest.next).toBeUndefined();
  });

  test("C2: the root password is shown once, and only when the server is there", async () => {
    const { id } = await world.deploy("secret-1");
    await world.until(id, "provisioned");
    const password = await world.control.instances.revealRootPassword(id);
    expect(password.length).toBeGreaterThanOrEqual(20);
    expect(await refused(world.control.instances.revealRootPassword(id))).toMatchObject({
      code: "root_password_not_available",
    });
    expect((await world.control.instances.get(id)).rootPassword).toBe("shown");
  });

  test("C15: no secret is stored as it is", async () => {
    const script = "#!/bin/sh\nexport API_KEY=very-secret-value\n";
    const { id } = await world.deploy("sealed-1", { script });
    const rows = await world.sql("select * from control_instance");
    const accounts = await world.sql("select * from control_provider");
    const stored = JSON.stringify([rows, accounts]);
    expect(stored).toContain(id);
    expect(stored).not.toContain("very-secret-value");
    expect(stored).not.toContain(sandboxToken);
    await world.until(id, "provisioned");
  });

  test("an unknown instance is told with what there is", async () => {
    const error = await refused(world.control.instances.get("idem-9"));
    expect(error.code).toBe("instance_not_found");
    expect(error.message).toContain("idem-1");
  });

  test("C15: wrong accounts are refused before anything is saved", async () => {
    const { providers } = world.control;
    const account = { name: "other", driver: "linode", endpoint: world.sandbox.url, token: sandboxToken };
    const cases: [object, string][] = [
      [{ token: "wrong-token" }, "provider_credentials_rejected"],
      [{ endpoint: "http://127.0.0.1:1" }, "provider_unavailable"],
      [{ endpoint: "http://cloud.example.com" }, "invalid_request"],
      [{ endpoint: "https://user:pass@cloud.example.com" }, "invalid_request"],
      [{ endpoint: "nonsense" }, "invalid_request"],
      [{ driver: "linod" }, "driver_not_found"],
      [{ name: "Other" }, "invalid_name"],
      [{ name: "sandbox" }, "provider_exists"],
      [{ options: { colour: "red" } }, "invalid_request"],
      [{ token: undefined }, "invalid_request"],
    ];
    for (const [change, code] of cases) {
      const error = await refused(providers.add({ ...account, ...change }));
      expect(error.code, JSON.stringify(change)).toBe(code);
      expect(error.message).not.toContain("wrong-token");
      expect(error.message).not.toContain("user:pass");
    }
    expect((await providers.list()).map(({ name }) => name)).toEqual(["sandbox"]);
  });

  test("an account that is changed is used as changed", async () => {
    const { providers } = world.control;
    const account = { name: "moving", driver: "linode", endpoint: world.sandbox.url, token: sandboxToken };
    await providers.add(account);
    await providers.upsert({ ...account, defaults: { region: "us-east", type: "g6-nanode-1" } });
    expect(await providers.get("moving")).toMatchObject({
      defaults: { region: "us-east" },
      endpoint: world.sandbox.url,
    });
    await world.deploy("moved-1", { provider: "moving" });
    await world.until("moved-1", "provisioned");
    expect((await providers.catalog("moving")).types.length).toBeGreaterThan(3);
  });

  test("C15: access tokens are verified by hash; a new admin token ends the old one", async () => {
    const { tokens } = world.control;
    const [one, other] = ["a".repeat(32), "b".repeat(32)];
    await tokens.ensureAdmin(one);
    await tokens.ensureAdmin(one);
    expect(await tokens.verify(one)).toMatchObject({ name: "admin", role: "admin" });
    expect(await tokens.verify(other)).toBeUndefined();
    await tokens.ensureAdmin(other);
    expect(await tokens.verify(one)).toBeUndefined();
    expect(await tokens.verify(other)).toMatchObject({ role: "admin" });
    const rows = await world.sql("select * from control_access_token");
    expect(JSON.stringify(rows)).not.toContain(other);
    const used = await world.sql("select last_used_at from control_access_token where revoked_at is null");
    expect(Number(used[0]?.["last_used_at"])).toBeGreaterThan(0);
    expect(await refused(tokens.ensureAdmin("short"))).toMatchObject({ code: "config_invalid" });
  });
});
