/**
 * Why an instance failed: a typed code for each cause, with what to do about it (C7). Kept in the instance's record and
 * shown with the same words by API, command line and page; listed in `docs/errors.md`.
 */
export const failureKinds = {
  credentials_rejected: "Check the provider's credentials with `provost provider list`, set new ones, deploy again.",
  quota_exceeded: "Ask the provider for a higher limit or destroy what is not needed, then deploy again.",
  out_of_stock: "Choose another region or type, then deploy again.",
  image_missing: "Choose an image that the region has, or copy the image there, then deploy again.",
  type_missing: "Choose a type that the provider still offers, then deploy again.",
  region_missing: "Choose a region that the provider still offers, then deploy again.",
  name_taken_at_provider:
    "A server of this name exists at the provider and is not ours: destroy or rename it, then deploy again.",
  create_refused: "The provider refused the request: its own words say why.",
  create_unknown:
    "The provider never said whether it made the server. Look for the name in its console before you deploy again.",
  boot_stuck:
    "The provider accepted the server but it never ran. Look at its console, then destroy it and deploy again.",
  callback_missing:
    "The server runs but its first boot never reported ready. Look at its console; check that it can reach the callback address.",
  script_failed:
    "The first-boot script failed. The server still runs: read the log lines, mend the script, destroy it and deploy again.",
  image_refused: "The provider refused to make the image: its own words say why.",
  image_failed: "The provider could not make the image. Bake again; if it happens again, ask the provider.",
  bake_stuck:
    "The bake took too long. Let the script do less, or raise PROVOST_BAKE_TIMEOUT where the server runs; then bake again.",
  vanished: "The server is gone at the provider. Deploy again.",
  cancelled: "It was cancelled before it was ready.",
  task_refused: "Nothing was changed: what stands in the way is in the message.",
  task_wait_too_long: "The instance was busy all the time: look at what it does, then ask again.",
  task_timed_out: "Look at the server in the provider's console, then ask again.",
  change_refused: "The provider refused the change: its own words say why.",
  change_failed: "The provider accepted the change, but it did not come about. Look at its console, then ask again.",
  outcome_unknown:
    "The provider never said whether it did this, and it was not asked twice. Look at the server, then ask again if need be.",
  internal: "Something broke inside Provost: the server's log says what.",
} as const;

export type FailureCode = keyof typeof failureKinds;
