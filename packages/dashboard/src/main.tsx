import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./api/queries.ts";
import { watchSession } from "./api/session.ts";
import { router } from "./routes/router.ts";
// oxlint-disable-next-line import/no-unassigned-import -- styles are what it does
import "./styles.css";
import { Toasts } from "./ui/toasts.tsx";

watchSession();

const root = document.querySelector("#root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      {/* The server's policy forbids style elements that are made at run time. */}
      <CSPProvider disableStyleElements>
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
          <Toasts />
        </QueryClientProvider>
      </CSPProvider>
    </StrictMode>,
  );
}
