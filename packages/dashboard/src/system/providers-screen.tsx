import { PageHead } from "../ui/page-head.tsx";

export function ProvidersScreen() {
  return <PageHead title="Providers" />;
}
