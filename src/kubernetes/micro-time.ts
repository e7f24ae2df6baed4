/** A time as `metav1.MicroTime` wants it: with six digits after the second, of which we know three. */
export function microTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z');
}
