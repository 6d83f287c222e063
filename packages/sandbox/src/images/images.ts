import { type LinodeImage, PUBLIC_IMAGES, publicImage } from "../catalog/images.ts";
import type { AccountClock } from "../clock/account-clock.ts";
import type { Clock } from "../clock/clock.ts";
import type { Random, RangeMs } from "../clock/random.ts";
import type { TimerHeap } from "../clock/timer-heap.ts";
import { diskLabel, placeOfDisk } from "../disks/disks.ts";
import { badField, LinodeApiError, notFound } from "../errors.ts";
import type { EventLog } from "../events/event-log.ts";
import { linodeOf } from "../events/event-record.ts";
import { refuseBusy } from "../instances/busy.ts";
import type { InstanceStore } from "../instances/store.ts";
import { IdList } from "../lists/id-list.ts";
import type { StateSink } from "../state/state-sink.ts";
import type { ImageCreate, ImageUpdate } from "./image-requests.ts";
import { entityOf, GOLDEN_IMAGE, imageView, type PrivateImage } from "./private-image.ts";

export interface ImagesParts {
  clock: Clock;
  time: AccountClock;
  random: Random;
  /** What happens later beside the instances' states. */
  chores: TimerHeap<() => void>;
  imageMs: RangeMs;
  store: InstanceStore;
  events: EventLog;
  state: StateSink;
}

/** Public images, and the account's own: made from a disk, `creating` for a while, then `available` (C2). */
export class Images {
  readonly #parts: ImagesParts;
  readonly #own = new IdList<PrivateImage>();
  #nextId = GOLDEN_IMAGE.id + 1;

  /** A fresh account has a golden image. */
  constructor(parts: ImagesParts) {
    this.#parts = parts;
    this.#own.add({ ...GOLDEN_IMAGE });
  }

  /** The id the next image gets; kept in the state file. */
  get nextId(): number {
    return this.#nextId;
  }

  /** As the API lists them: public ones first. */
  all(): LinodeImage[] {
    return [...PUBLIC_IMAGES, ...this.#own.all.map((image) => imageView(image))];
  }

  find(id: string): LinodeImage | undefined {
    const own = this.#find(id);
    return own === undefined ? publicImage(id) : imageView(own);
  }

  /** Begins an image of a disk. Throws Linode's 400 for a disk that does not exist or an instance that is busy. */
  create(request: ImageCreate): LinodeImage {
    const { clock, time, random, imageMs, store, events } = this.#parts;
    const { instanceId, ordinal } = placeOfDisk(request.diskId);
    const instance = store.get(instanceId);
    const disk = instance?.disks.find((one) => one.ordinal === ordinal);
    if (instance === undefined || disk === undefined) throw badField("disk_id", "disk_id is not valid");
    refuseBusy(instance);
    const id = this.#nextId++;
    const label = request.label ?? diskLabel(instance, disk);
    const durationMs = random.durationMs(imageMs);
    const origin = instance.image === null ? undefined : this.find(instance.image);
    const image: PrivateImage = {
      id,
      label,
      description: request.description ?? null,
      tags: request.tags ?? [],
      cloudInit: request.cloudInit,
      sizeMb: Math.min(disk.sizeMb, origin?.size ?? disk.sizeMb),
      regions: [instance.region],
      createdMs: time.stamp(),
      updatedMs: time.stamp(),
      dueMs: clock.now() + durationMs,
      eventId: events.start("disk_imagize", linodeOf(instance), durationMs, { type: "image", id, label }),
    };
    this.#own.add(image);
    this.#finishLater(image);
    this.#parts.state.changed("image", image);
    return imageView(image);
  }

  update(id: string, { label, description, tags }: ImageUpdate): LinodeImage {
    const image = this.#ownOrRefuse(id);
    image.label = label ?? image.label;
    if (description !== undefined) image.description = description;
    image.tags = tags ?? image.tags;
    image.updatedMs = this.#parts.time.stamp();
    this.#parts.events.note("image_update", entityOf(image));
    this.#parts.state.changed("image", image);
    return imageView(image);
  }

  /** Instances made from it stay. */
  remove(id: string): void {
    const image = this.#ownOrRefuse(id);
    this.#own.remove(image.id);
    this.#parts.events.note("image_delete", entityOf(image));
    this.#parts.state.removed("image", image.id);
  }

  /** Takes over what a state file held; what was under way goes on. */
  restore(images: readonly PrivateImage[], nextId: number): void {
    this.#own.removeOldest(this.#own.all.length);
    for (const image of images) {
      this.#own.add(image);
      if (image.dueMs > 0) this.#finishLater(image);
    }
    this.#nextId = nextId;
  }

  #finishLater(image: PrivateImage): void {
    const { chores, events, state, time } = this.#parts;
    chores.schedule(image.dueMs, () => {
      if (this.#own.get(image.id) !== image) {
        events.fail(image.eventId, "the image was deleted");
        return;
      }
      image.dueMs = 0;
      image.updatedMs = time.stamp();
      events.finish(image.eventId);
      state.changed("image", image);
    });
  }

  #find(id: string): PrivateImage | undefined {
    const number = /^private\/(\d{1,15})$/.exec(id)?.[1];
    return number === undefined ? undefined : this.#own.get(Number(number));
  }

  #ownOrRefuse(id: string): PrivateImage {
    const image = this.#find(id);
    if (image !== undefined) return image;
    if (publicImage(id) !== undefined) throw new LinodeApiError(403, [{ reason: "Unauthorized" }]);
    throw notFound();
  }
}
