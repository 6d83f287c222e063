import { PageHead } from "../ui/page-head.tsx";

export function TokensScreen() {
  return <PageHead title="Tokens" />;
}
