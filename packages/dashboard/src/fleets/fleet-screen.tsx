import { PageHead } from "../ui/page-head.tsx";

export function FleetScreen() {
  return <PageHead title="Fleet" />;
}
