import type { InstanceChange } from "@provost/contract";
import type { ChangeTail, ControlSurface, WatchedTopic } from "@provost/control";
import type { StreamTimes } from "../event-stream.ts";
import { permits } from "../route-rules.ts";
import { Ring } from "./ring.ts";
import { messageMax, type Watcher } from "./watcher.ts";

/** Changes that are kept for clients that are slow, or come back; about 10 MB. */
const ringMax = 20_000;
/** Whoever is further behind begins anew: that is less work for everyone than so many messages. */
export const backlogMax = 5_000;

interface Running {
  tail: ChangeTail;
  ring: Ring<InstanceChange>;
  /** What was told last, by topic and key: as text, and as it was. */
  told: Map<WatchedTopic, Map<string, { text: string; value: object }>>;
  /** One read at a time. */
  reading: Promise<void>;
  isOver: boolean;
}

/**
 * One reader of the store for all clients of this server's stream. It reads on when something was committed here, and looks once a second for what
 * other servers have written; it reads nothing while nobody watches.
 *
 * idle --first client--> reading <--hint, poll--> waiting …; --last client gone--> idle. A store that cannot be read ends every client's
 * stream: they come back with their marks.
 */
export class StreamHub {
  readonly #live: ControlSurface["live"];
  readonly #times: StreamTimes;
  readonly #watchers = new Set<Watcher>();
  readonly #failed: (error: unknown) => void;
  #starting: Promise<Running> | undefined;
  #hinted = false;
  #wake: () => void = () => {};

  constructor(live: ControlSurface["live"], times: StreamTimes, failed: (error: unknown) => void) {
    this.#live = live;
    this.#times = times;
    this.#failed = failed;
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** Something was committed here. */
  hint(): void {
    this.#hinted = true;
    this.#wake();
  }

  /**
   * Lets a client join: it is told what has come since `after`, then all that comes.
   *
   * @param join makes it, given the number in the ring that it goes on with.
   */
  async join(join: (next: number) => Watcher, after: number | undefined): Promise<Watcher> {
    const running = await this.#run();
    if (running.isOver) return this.join(join, after);
    const watcher = join(running.ring.end);
    if (watcher.isGone) return watcher;
    this.#watchers.add(watcher);
    try {
      await this.#begin(running, watcher, after);
    } catch (error) {
      this.leave(watcher);
      throw error;
    }
    watcher.release();
    this.hint();
    return watcher;
  }

  /** What comes meanwhile is in the ring, behind its number. */
  async #begin(running: Running, watcher: Watcher, after: number | undefined): Promise<void> {
    const { tail } = running;
    if (after === undefined) return watcher.ready({ mark: tail.mark, resumed: false });
    // A mark of another server may be ahead of what was read here.
    if (after > tail.last) await this.#read(running);
    const missed = await this.#since(running, after);
    const { mark } = tail;
    if (missed === undefined) {
      watcher.ready({ mark, resumed: false });
      watcher.reset({ mark, resumed: false });
      return;
    }
    watcher.ready({ mark: Math.min(after, mark), resumed: true });
    for (let from = 0; from < missed.length; from += messageMax) {
      await watcher.backlog(missed.slice(from, from + messageMax), mark);
    }
  }

  leave(watcher: Watcher): void {
    if (this.#watchers.delete(watcher)) watcher.end();
    if (this.#watchers.size === 0) this.hint();
  }

  close(): void {
    for (const watcher of this.#watchers) this.leave(watcher);
  }

  /** What has come after this mark; undefined for too much, or a mark that this store never gave. */
  async #since({ tail }: Running, after: number): Promise<InstanceChange[] | undefined> {
    if (after > tail.last) return undefined;
    const missed: InstanceChange[] = [];
    for (;;) {
      const more = await this.#live.after(missed.at(-1)?.seq ?? after, messageMax);
      missed.push(...more);
      if (missed.length > backlogMax) return undefined;
      if (more.length < messageMax) return missed;
    }
  }

  #run(): Promise<Running> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  async #start(): Promise<Running> {
    const tail = this.#live.tail();
    await tail.start();
    const running: Running = {
      tail,
      ring: new Ring(ringMax),
      told: new Map(),
      reading: Promise.resolve(),
      isOver: false,
    };
    for (const topic of this.#live.topics) await this.#news(running, topic);
    void this.#loop(running);
    return running;
  }

  async #loop(running: Running): Promise<void> {
    let polledAt = performance.now();
    try {
      do {
        await this.#pause();
        await this.#read(running);
        for (const watcher of this.#watchers) watcher.flush(running.ring, running.tail.mark);
        if (performance.now() - polledAt < this.#times.hubPollMs) continue;
        polledAt = performance.now();
        await this.#tellTopics(running);
      } while (this.#watchers.size > 0);
    } catch (error) {
      this.#failed(error);
      this.close();
    }
    running.isOver = true;
    this.#starting = undefined;
  }

  /** Until something is new, or may be; and at least so long that a storm comes in few messages. */
  async #pause(): Promise<void> {
    await delay(this.#times.flushMs);
    if (!this.#hinted) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      const timer = setTimeout(() => this.#wake(), this.#times.hubPollMs);
      await woken;
      clearTimeout(timer);
    }
    this.#hinted = false;
  }

  #read(running: Running): Promise<void> {
    running.reading = running.reading.then(async () => {
      const { tail, ring } = running;
      for (;;) {
        const { mark } = tail;
        const changes = await tail.read();
        if (changes.length === 0) return;
        ring.push(changes, mark);
      }
    });
    return running.reading;
  }

  async #tellTopics(running: Running): Promise<void> {
    for (const topic of this.#live.topics) {
      const news = await this.#news(running, topic);
      if (news.length === 0) continue;
      for (const watcher of this.#watchers) {
        if (permits(watcher.role, topic.role)) watcher.tell(topic.name, news);
      }
    }
  }

  /** What is other than it was told. */
  async #news({ told }: Running, topic: WatchedTopic): Promise<object[]> {
    const before = told.get(topic) ?? new Map<string, { text: string; value: object }>();
    const now = await topic.read(new Map([...before].map(([key, { value }]) => [key, value])));
    const kept = new Map([...now].map(([key, value]) => [key, { text: JSON.stringify(value), value }]));
    told.set(topic, kept);
    const changed = [...kept].filter(([key, { text }]) => before.get(key)?.text !== text).map(([, { value }]) => value);
    const gone = topic.name === "fleet" ? [] : [...before].filter(([key]) => !kept.has(key));
    return [...changed, ...gone.map(([, { value }]) => ({ ...value, gone: true }))];
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
