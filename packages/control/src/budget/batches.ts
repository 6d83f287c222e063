/** Waits for the answer of the batch that it goes with. */
interface Asked<Question, Answer> {
  question: Question;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/**
 * Questions about one thing are answered one batch after the other: those that come meanwhile share the next one's
 * transaction, so that a crowd in one process costs the store as little as one call after another.
 */
export class Batches<Question, Answer> {
  readonly #answer: (questions: Question[]) => Promise<Answer[]>;
  readonly #max: number;
  /** A key is here while its batch is under way. */
  readonly #waiting = new Map<string, Asked<Question, Answer>[]>();

  /** `answer` gives one answer for each question, in their order; `max`: questions in one batch. */
  constructor(max: number, answer: (questions: Question[]) => Promise<Answer[]>) {
    this.#max = max;
    this.#answer = answer;
  }

  /** `key`: what the question is about. */
  ask(key: string, question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(key);
      const asked = { question, resolve, reject };
      if (waiting !== undefined) {
        waiting.push(asked);
        return;
      }
      this.#waiting.set(key, [asked]);
      void this.#run(key);
    });
  }

  async #run(key: string): Promise<void> {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, this.#max);
      try {
        const answers = await this.#answer(batch.map(({ question }) => question));
        for (const [index, answer] of answers.entries()) batch[index]?.resolve(answer);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#waiting.delete(key);
  }
}
