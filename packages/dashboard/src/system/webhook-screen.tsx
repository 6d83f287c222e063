import { PageHead } from "../ui/page-head.tsx";

export function WebhookScreen() {
  return <PageHead title="Webhook" />;
}
