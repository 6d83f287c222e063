import { PageHead } from "../ui/page-head.tsx";

export function ImagesScreen() {
  return <PageHead title="Images" />;
}
