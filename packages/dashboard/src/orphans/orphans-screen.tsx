import { PageHead } from "../ui/page-head.tsx";

export function OrphansScreen() {
  return <PageHead title="Orphans" />;
}
