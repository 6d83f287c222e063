import { PageHead } from "../ui/page-head.tsx";

export function InstanceScreen() {
  return <PageHead title="Instance" />;
}
