import { isolated } from "./ours-isolated.ts";

export const open = isolated("process");
