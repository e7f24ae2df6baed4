import { canonicalText, type ImageReference } from '../image/reference.ts';
import type { Resolution } from '../image/resolution.ts';

/** One thing that only a registry can tell. */
export interface Question {
  readonly reference: ImageReference;
  /** `recordable`: as fresh as what is going to be recorded must be. `past-cache`: asked now. */
  readonly freshness: 'recordable' | 'past-cache';
}

/** What registries said, by the question's key. */
export type Answers = ReadonlyMap<string, Resolution>;

/**
 * An object that names more different images than this is answered without asking about the rest: it is no workload that
 * anybody runs, but a way to make a registry's limit somebody else's trouble.
 */
const MOST_QUESTIONS = 100;

/** Two questions with one key are one question. */
export function questionKey(question: Question): string {
  return `${question.freshness} ${canonicalText(question.reference)}`;
}

/**
 * Reads the answers for a plan, and collects the questions that have none yet. A plan is made again with their answers
 * until nothing is open.
 */
export interface Inquiry {
  /** The answer, or null where it is not there yet. */
  ask(question: Question): Resolution | null;
  /** What has to be asked before the plan holds. */
  readonly open: readonly Question[];
}

export function createInquiry(answers: Answers): Inquiry {
  const open = new Map<string, Question>();
  return {
    ask(question) {
      const key = questionKey(question);
      const answer = answers.get(key);
      if (answer !== undefined) return answer;
      if (!open.has(key) && answers.size + open.size >= MOST_QUESTIONS) return TOO_MANY;
      open.set(key, question);
      return null;
    },
    get open() {
      return [...open.values()];
    },
  };
}

const TOO_MANY: Resolution = {
  kind: 'failed',
  code: 'NotAllowed',
  message: `one object may ask for ${MOST_QUESTIONS} different images; pin the rest by hand`,
  lastKnown: null,
};
