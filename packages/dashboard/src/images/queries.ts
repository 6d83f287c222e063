import type { ImageView, Listed } from "@provost/contract";
import { api } from "../api/client.ts";
import type { KeysetSource } from "../list/use-keyset-list.ts";

export function imageList(all: boolean): KeysetSource<ImageView> {
  return {
    key: ["images", all],
    live: ["image"],
    read: (after, signal) => api.get<Listed<ImageView>>("images", { params: { all, after }, signal }),
    idOf: ({ id }) => id,
  };
}
