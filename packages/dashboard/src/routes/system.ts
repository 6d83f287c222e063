import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "./root.ts";
import { textSearch } from "./search.ts";

const parent = { getParentRoute: () => rootRoute };

const providers = createRoute({
  ...parent,
  path: "/providers",
  component: lazyRouteComponent(() => import("../system/providers-screen.tsx"), "ProvidersScreen"),
});

const audit = createRoute({
  ...parent,
  path: "/audit",
  validateSearch: textSearch("actor", "action", "target"),
  component: lazyRouteComponent(() => import("../system/audit-screen.tsx"), "AuditScreen"),
});

const tokens = createRoute({
  ...parent,
  path: "/tokens",
  component: lazyRouteComponent(() => import("../system/tokens-screen.tsx"), "TokensScreen"),
});

const webhooks = createRoute({
  ...parent,
  path: "/webhooks",
  component: lazyRouteComponent(() => import("../system/webhooks-screen.tsx"), "WebhooksScreen"),
});

const webhook = createRoute({
  ...parent,
  path: "/webhooks/$ref",
  validateSearch: textSearch("status"),
  component: lazyRouteComponent(() => import("../system/webhook-screen.tsx"), "WebhookScreen"),
});

const health = createRoute({
  ...parent,
  path: "/health",
  component: lazyRouteComponent(() => import("../system/health-screen.tsx"), "HealthScreen"),
});

export const systemRoutes = [providers, audit, tokens, webhooks, webhook, health] as const;
