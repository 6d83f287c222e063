import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** `npm run dev` talks to a server of one's own: PROVOST_SERVER is its address. */
const server = process.env["PROVOST_SERVER"] ?? "http://127.0.0.1:4510";

export default defineConfig({
  // Relative, so that one build works under every path: index.html's <base> says which it is.
  base: "./",
  plugins: [react(), tailwindcss()],
  build: {
    target: "es2023",
    // The policy of the server forbids data: URLs everywhere but for images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/v1": { target: server, changeOrigin: false } } },
});
