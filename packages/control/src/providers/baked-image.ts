import type { Image } from "./provider.ts";

/** What an image is to be called, and whose it is (C2). */
export interface BakeSpec {
  /** Unique within the account by the caller's choice; 3–50 characters, `[a-z0-9-]`. */
  name: string;
  /** This deployment of Provost: written at the provider, so that `findImage` meets the image again after a lost answer (C4). */
  deployment: string;
  /** Made by Provost's recipe: its first-boot service takes user data and reports. */
  golden: boolean;
}

/** An image that is being made, or was. */
export interface BakedImage extends Image {
  /** Instances can be created from it once it is `available`. */
  status: "creating" | "available";
}
