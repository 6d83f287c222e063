import { PageHead } from "../ui/page-head.tsx";

export function DeployScreen() {
  return <PageHead title="Deploy an instance" />;
}
