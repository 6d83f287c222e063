import { PageHead } from "../ui/page-head.tsx";

export function WebhooksScreen() {
  return <PageHead title="Webhooks" />;
}
