import { PageHead } from "../ui/page-head.tsx";

export function HealthScreen() {
  return <PageHead title="Health" />;
}
