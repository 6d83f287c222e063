import { PageHead } from "../ui/page-head.tsx";

export function OverviewScreen() {
  return <PageHead title="Overview" />;
}
