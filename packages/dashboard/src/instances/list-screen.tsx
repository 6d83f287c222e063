import { PageHead } from "../ui/page-head.tsx";

export function InstancesScreen() {
  return <PageHead title="Instances" />;
}
