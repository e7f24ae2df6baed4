/** The senders of push notifications, as `sweep.receivers` and `?type=` name them. */
export const RECEIVER_TYPES = [
  'acr',
  'aliyun-acr',
  'cloudevents',
  'distribution',
  'docker.io',
  'ecr',
  'gar',
  'ghcr.io',
  'gitlab',
  'harbor',
  'quay.io',
] as const;
export type ReceiverType = (typeof RECEIVER_TYPES)[number];

/** The type of that name; null where there is none. */
export function receiverType(name: string): ReceiverType | null {
  return RECEIVER_TYPES.find((type) => type === name) ?? null;
}
