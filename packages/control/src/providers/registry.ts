import { ProvostError } from "@provost/contract";
import { isPrivateHost } from "../network.ts";
import type { DriverView } from "../surface.ts";
import type { Provider } from "./provider.ts";

/** What an account is made of, in the request's own words. */
export interface AccountConfig {
  endpoint?: string | undefined;
  token?: string | undefined;
  options: Readonly<Record<string, string>>;
}

interface Driver {
  title: string;
  options: DriverView["options"];
  defaultEndpoint?: string;
  /** Throws `invalid_request` with the field that is wrong. */
  checkEndpoint?(endpoint: string): void;
  /** The driver's module and its clients are loaded when the first account needs them. */
  open(config: AccountConfig): Promise<Provider>;
}

const requestTimeoutMs = 30_000;
const timeoutOption = {
  name: "options.requestTimeoutMs",
  required: false,
  secret: false,
  description: `One call's limit in ms; ${requestTimeoutMs} by default`,
};

/** The only place that names drivers (C1). */
const drivers: Readonly<Record<string, Driver>> = {
  linode: {
    title: "Linode (Akamai), or the sandbox that speaks its API",
    defaultEndpoint: "https://api.linode.com",
    options: [
      { name: "endpoint", required: false, secret: false, description: "Base URL; https://api.linode.com by default" },
      {
        name: "token",
        required: true,
        secret: true,
        description: "Personal access token: Linodes and Images read and write, Events read",
      },
      timeoutOption,
    ],
    checkEndpoint: checkHttpEndpoint,
    async open({ endpoint, token, options }) {
      const { LinodeProvider } = await import("./linode/linode.ts");
      return new LinodeProvider({
        endpoint: endpoint ?? "https://api.linode.com",
        token: token ?? "",
        requestTimeoutMs: timeoutMs(options),
      });
    },
  },
  incus: {
    title: "Incus or LXD on this machine, through its unix socket",
    options: [
      {
        name: "endpoint",
        required: false,
        secret: false,
        description: "Path of the unix socket; by default the first that exists of Incus' and LXD's usual places",
      },
      { name: "options.project", required: false, secret: false, description: "Project of the instances" },
      {
        name: "options.profiles",
        required: false,
        secret: false,
        description: "Profiles of a new instance, separated by commas; default when left out",
      },
      timeoutOption,
    ],
    checkEndpoint(endpoint) {
      if (!endpoint.startsWith("/"))
        throw wrongEndpoint(
          `${JSON.stringify(endpoint)} is no absolute path`,
          "the socket's, like /var/lib/incus/unix.socket",
        );
    },
    async open({ endpoint, options }) {
      const { incusProvider } = await import("./incus/driver.ts");
      const { project, profiles } = options;
      return incusProvider({
        requestTimeoutMs: timeoutMs(options),
        ...(endpoint === undefined ? {} : { socket: endpoint }),
        ...(project === undefined ? {} : { project }),
        ...(profiles === undefined ? {} : { profiles: profiles.split(",").map((name) => name.trim()) }),
      });
    },
  },
};

export function driverViews(): DriverView[] {
  return Object.entries(drivers).map(([name, { title, options }]) => ({ name, title, options }));
}

/** The endpoint that the driver will use, for people. */
export function endpointOf(driver: string, endpoint: string | null): string {
  return endpoint ?? drivers[driver]?.defaultEndpoint ?? "default";
}

/**
 * Checks an account's fields against what its driver takes.
 *
 * @throws ProvostError `driver_not_found`, `invalid_request` with the field.
 */
export function checkAccount(driverName: string, config: AccountConfig): void {
  const driver = driverNamed(driverName);
  const given = new Set<string>(Object.keys(config.options).map((name) => `options.${name}`));
  if (config.endpoint !== undefined) given.add("endpoint");
  if (config.token !== undefined) given.add("token");
  for (const { name, required, description } of driver.options) {
    if (required && !given.has(name)) {
      throw new ProvostError("invalid_request", `Driver ${driverName} needs ${name}: ${description}.`, { field: name });
    }
  }
  const known = driver.options.map(({ name }) => name);
  for (const name of given) {
    if (known.includes(name)) continue;
    throw new ProvostError(
      "invalid_request",
      `Driver ${driverName} does not take ${name}: it takes ${known.join(", ")}.`,
      { field: name },
    );
  }
  timeoutMs(config.options);
  if (config.endpoint !== undefined) driver.checkEndpoint?.(config.endpoint);
}

/** Makes the driver's client; opens no connection yet. */
export function openProvider(driverName: string, config: AccountConfig): Promise<Provider> {
  return driverNamed(driverName).open(config);
}

function driverNamed(name: string): Driver {
  const driver = Object.hasOwn(drivers, name) ? drivers[name] : undefined;
  if (driver !== undefined) return driver;
  throw new ProvostError(
    "driver_not_found",
    `There is no driver ${JSON.stringify(name)}: there are ${Object.keys(drivers).join(", ")}.`,
    { field: "driver" },
  );
}

function timeoutMs(options: Readonly<Record<string, string>>): number {
  const text = options["requestTimeoutMs"];
  if (text === undefined) return requestTimeoutMs;
  const ms = Number(text);
  if (Number.isInteger(ms) && ms >= 100 && ms <= 300_000) return ms;
  throw new ProvostError(
    "invalid_request",
    `options.requestTimeoutMs is ${JSON.stringify(text)}: give whole ms, 100 to 300000.`,
    { field: "options.requestTimeoutMs" },
  );
}

/** The token travels with every call: in the clear only on this machine or a private network. */
function checkHttpEndpoint(endpoint: string): void {
  const url = URL.parse(endpoint);
  if (url === null) throw wrongEndpoint(`${JSON.stringify(endpoint)} is no URL`);
  if (url.username !== "" || url.password !== "") throw wrongEndpoint(`on ${url.host} carries a credential`);
  if (url.protocol === "https:") return;
  if (url.protocol === "http:" && isPrivateHost(url.hostname)) return;
  throw wrongEndpoint(`${JSON.stringify(endpoint)} is not encrypted and not private`);
}

function wrongEndpoint(why: string, wanted = "a URL like https://api.example.com"): ProvostError {
  return new ProvostError("invalid_request", `The endpoint ${why}: give ${wanted}.`, { field: "endpoint" });
}
