import { PageHead } from "../ui/page-head.tsx";

export function FleetsScreen() {
  return <PageHead title="Fleets" />;
}
