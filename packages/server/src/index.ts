export { readConfig, variables, type ServerConfig, type ServerFlags } from "./config/config.ts";
export { Server } from "./server.ts";
