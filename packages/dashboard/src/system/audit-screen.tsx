import { PageHead } from "../ui/page-head.tsx";

export function AuditScreen() {
  return <PageHead title="Audit" />;
}
